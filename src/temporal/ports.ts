import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

const host = '127.0.0.1'

/**
 * Below what systems hand out by themselves (32768 on Linux, 49152 elsewhere): a port that is free now is not the next
 * connection's a moment later.
 */
const [least, most] = [20_000, 32_767]

/** A port of this machine nobody listens on; the wanted one when that is free. */
export async function freePort(wanted?: number): Promise<number> {
  for (let port = wanted ?? randomInt(least, most); ; port = randomInt(least, most)) {
    if (await isFree(port)) return port
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    const answer = (listening: boolean): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
    socket.setTimeout(1_000, () => answer(false))
  })
}
