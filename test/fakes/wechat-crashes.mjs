// A WeChat process that dies of a listener's rejected promise.
process.send?.({ kind: 'started' }, () => {
  Promise.reject(new Error('what 张三 wrote'))
})
