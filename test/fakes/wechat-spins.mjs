// A WeChat process like wechat4u without a network: errors without end.
setInterval(() => process.send?.({ kind: 'error', text: 'Error EAI_AGAIN' }), 1)
process.on('disconnect', () => process.exit(0))
