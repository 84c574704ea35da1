// Loaded before the real WeChat process: as soon as that listens, swallows crashes as wechat4u does, then lets
// an async listener reject.
process.on('newListener', (event) => {
  if (event !== 'message') return
  setImmediate(() => {
    for (const caught of ['uncaughtException', 'unhandledRejection']) process.on(caught, () => {})
    setImmediate(() => Promise.reject(new TypeError('what 张三 wrote')))
  })
})
