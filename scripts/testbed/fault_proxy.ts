import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** What goes wrong with some requests, as data. */
export interface Toxic {
  /** Which requests: all conditions that are given hold. */
  when?: { method?: string; path?: RegExp }
  /** Only so many of them, the first ones; all when not given. */
  times?: number
  /** Only each n-th of them. */
  every?: number
  does:
    | { latencyMs: number }
    /** An answer of its own; the server never sees the request. */
    | { status: number; headers?: Record<string, string>; body?: string }
    /** The connection breaks after so many bytes of the answer. */
    | { cutAfterBytes: number }
    /** The server answers, and the answer is lost: nobody knows whether it happened. */
    | { loseAnswer: true }
    /** It is taken, and nothing ever comes. */
    | { halfOpen: true }
    | { bytesPerSecond: number }
}

/** One request as the proxy saw it. */
export interface Seen {
  method: string
  path: string
  /** Of the answer; 0 where there was none. */
  status: number
  /** What the client sent. */
  bytes: number
}

/** Stands before a server on this machine. Host and path stay as they are, so that signatures do. */
export class FaultProxy {
  toxics: Toxic[] = []
  seen: Seen[] = []
  /** Told of each request before it is passed on. */
  onRequest: (seen: Seen) => void = () => undefined
  readonly #target: number
  readonly #agent = new Agent({ keepAlive: true })
  readonly #server = createServer((from, to) => {
    this.#pass(from, to).catch(() => to.destroy())
  })
  #met = new Map<Toxic, number>()

  static async before(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  private constructor(target: number) {
    this.#target = target
    this.#server.keepAliveTimeout = 60_000
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing goes wrong any more, and what was seen is forgotten. */
  reset(): void {
    this.toxics = []
    this.seen = []
    this.#met = new Map()
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = from
    const seen: Seen = { method, path, status: 0, bytes: 0 }
    this.seen.push(seen)
    this.onRequest(seen)
    from.on('data', (chunk: Buffer) => (seen.bytes += chunk.length))
    from.pause()
    const does = this.#toxicsFor(method, path)
    for (const one of does) if ('latencyMs' in one) await sleep(one.latencyMs)
    if (does.some((one) => 'halfOpen' in one)) return void from.resume()
    const answer = does.find((one) => 'status' in one)
    if (answer) {
      from.resume()
      seen.status = answer.status
      return void to.writeHead(answer.status, answer.headers).end(answer.body)
    }
    const upstream = await this.#forward(from)
    seen.status = upstream.statusCode ?? 0
    if (does.some((one) => 'loseAnswer' in one)) {
      upstream.resume()
      return void to.destroy()
    }
    to.writeHead(seen.status, upstream.rawHeaders)
    // A half-open line has its head long before its body.
    to.flushHeaders()
    const cut = does.find((one) => 'cutAfterBytes' in one)
    const slow = does.find((one) => 'bytesPerSecond' in one)
    if (cut) await cutAfter(upstream, to, cut.cutAfterBytes)
    else if (slow) upstream.pipe(paced(slow.bytesPerSecond)).pipe(to)
    else upstream.pipe(to)
  }

  #forward(from: IncomingMessage): Promise<IncomingMessage> {
    const { method, url, rawHeaders } = from
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, host: '127.0.0.1', port: this.#target, method, path: url }
      const hasBody = from.headers['content-length'] !== undefined || from.headers['transfer-encoding'] !== undefined
      // Else a body of no chunks is sent along; WebDAV makes no folder of one.
      const headers = hasBody || method === 'GET' ? rawHeaders : [...rawHeaders, 'Content-Length', '0']
      const out = request({ ...options, headers, setHost: false }, resolve)
      out.once('error', reject)
      from.once('close', () => {
        if (!from.complete) out.destroy()
      })
      from.pipe(out)
    })
  }

  #toxicsFor(method: string, path: string): Toxic['does'][] {
    return this.toxics.filter((toxic) => this.#strikes(toxic, method, path)).map(({ does }) => does)
  }

  #strikes(toxic: Toxic, method: string, path: string): boolean {
    const { when = {}, times = Infinity, every = 1 } = toxic
    if (when.method !== undefined && when.method !== method) return false
    if (when.path !== undefined && !when.path.test(path)) return false
    const met = (this.#met.get(toxic) ?? 0) + 1
    this.#met.set(toxic, met)
    return met <= times * every && met % every === 0
  }
}

async function cutAfter(from: IncomingMessage, to: ServerResponse, bytes: number): Promise<void> {
  let left = bytes
  for await (const chunk of from) {
    const some = (chunk as Buffer).subarray(0, left)
    left -= some.length
    if (some.length > 0) await new Promise((resolve) => to.write(some, resolve))
    if (left === 0) break
  }
  to.destroy()
}

function paced(bytesPerSecond: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      setTimeout(() => done(null, chunk), (chunk.length / bytesPerSecond) * 1000)
    },
  })
}
