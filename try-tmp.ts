import * as b from './bench/broadcast.ts'
const f = (b as any)[process.argv[2]!]
console.log(await f(...process.argv.slice(3).map(Number)))
