// A WeChat process that does not stop.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
process.on('message', () => {})
setInterval(() => {}, 1000)
process.send?.({ kind: 'started' })
