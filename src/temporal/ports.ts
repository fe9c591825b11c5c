import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'

const host = '127.0.0.1'

/** A port of this machine nobody listens on; the wanted one when that is free. */
export function freePort(wanted?: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (wanted !== undefined && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(freePort())
      else reject(error)
    })
    probe.listen(wanted ?? 0, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
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

/**
 * Whether it is this process, one of the same user, that listens on those ports of 127.0.0.1; undefined where the system
 * does not tell: Linux does.
 */
export function isListener(pid: number, ports: readonly number[]): boolean | undefined {
  try {
    const its = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)))
    const listening = new Set<string>()
    for (const row of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
      // sl, local address, remote address, state (0A: it listens), queues, timer, retransmissions, user, timeout, inode
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/)
      if (state === '0A' && local !== undefined && its.has(`socket:[${inode}]`)) listening.add(local)
    }
    return ports.every((port) => listening.has(`0100007F:${hex(port)}`))
  } catch {
    return undefined
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed in this moment.
    return ''
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
