import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { ConfigError } from './config.ts'
import type { Log } from './model/channel.ts'

export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Takes no new connection, finishes the requests in hand within 4 seconds, then hangs up. */
  close(): Promise<void>
}

/** Listens, or says which setting keeps it from listening. */
export async function serve(
  app: Hono,
  { host, port, log }: { host: string; port: number; log: Log },
): Promise<RunningServer> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  const unused = keepUnused(server)
  await listen(server, host, port)
  server.on('error', (error) => log.error({ error: String(error) }, 'the web server reported an error'))
  const bound = (server.address() as AddressInfo).port
  return { url: `http://${asSeenHere(host)}:${bound}`, port: bound, close: () => close(server, unused, log) }
}

const GRACE_MS = 4000

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError(cureFor(error, host, port), { cause: error })),
    )
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function cureFor(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use by another program. Stop that one, or set PORT to a free port, in .env or the environment.`
    case 'EACCES':
      return `This user may not listen on port ${port}. Set PORT to 1024 or above, in .env or the environment, and let a reverse proxy take ${port}.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `${host} is not an address of this machine. Set HOST to 127.0.0.1 for this machine only or 0.0.0.0 for all, in .env or the environment.`
    default:
      return `The web server could not listen on ${host} port ${port} (${error.code ?? error.message}). Compare HOST and PORT in .env or the environment.`
  }
}

/** An address that listens everywhere is not one that a browser can open. */
function asSeenHere(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Browsers connect ahead of need. Node does not count a connection as idle before its first request. */
function keepUnused(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  server.on('request', ({ socket }) => unused.delete(socket))
  return unused
}

async function close(server: Server, unused: ReadonlySet<Socket>, log: Log): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const socket of unused) socket.destroy()
  // A connection that has just sent its last reply turns idle and would hold the server open until its keep-alive ends.
  const hangUpIdle = setInterval(() => server.closeIdleConnections(), 50)
  const patience = setTimeout(() => {
    log.warn({}, 'requests were still in hand after 4 seconds; their connections are closed')
    server.closeAllConnections()
  }, GRACE_MS)
  await closed
  clearInterval(hangUpIdle)
  clearTimeout(patience)
}
