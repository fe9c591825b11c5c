import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Asked {
  method: string
  /** As it came. */
  path: string
  headers: IncomingMessage['headers']
  body: string
}

export interface Says {
  status?: number
  headers?: Record<string, string | string[]>
  body?: string
}

/** A server that says what a test wants: for what a real one does not do on request. */
export class ScriptedDav implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly #server = createServer((request, response) => {
    void (async () => {
      const { method = '', headers, url: path = '' } = request
      const asked = { method, path, headers, body: await text(request) }
      this.asked.push(asked)
      const { status = 200, headers: said = {}, body = '' } = this.#say(asked)
      response.writeHead(status, said).end(method === 'HEAD' ? undefined : body)
    })()
  })
  readonly #say: (asked: Asked) => Says

  private constructor(say: (asked: Asked) => Says) {
    this.#say = say
  }

  static async server(say: (asked: Asked) => Says): Promise<ScriptedDav> {
    const scripted = new ScriptedDav(say)
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve))
    return scripted
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** A part of a multistatus, of properties that are there. */
export function part(href: string, properties: Readonly<Record<string, string>> = {}): string {
  const told = Object.entries(properties).map(([name, value]) => `<D:${name}>${value}</D:${name}>`)
  const propstat = `<D:propstat><D:prop>${told.join('')}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>`
  return `<D:response><D:href>${href}</D:href>${propstat}</D:response>`
}

export function folder(href: string): string {
  return part(href, { resourcetype: '<D:collection/>' })
}

export function file(href: string, size = 1): string {
  return part(href, {
    resourcetype: '',
    getcontentlength: String(size),
    getetag: '"e"',
    getlastmodified: 'Tue, 01 Dec 2026 00:00:00 GMT',
  })
}

export function multistatusOf(...parts: string[]): Says {
  const body = `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${parts.join('\n')}</D:multistatus>`
  return { status: 207, headers: { 'content-type': 'application/xml' }, body }
}
