import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Host, Session } from '../../../src/connector/connector.ts'
import { s3 } from '../../../src/connector/s3/s3.ts'

export interface Asked {
  method: string
  /** Decoded, with the bucket in front. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}

export interface Says {
  status?: number
  headers?: Record<string, string>
  body?: string
}

/** A server that says what a test wants: for what a real one does not do on request. */
export class Scripted implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly #server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '', 'http://host')
      const { method = '', headers } = request
      const path = decodeURIComponent(url.pathname)
      const asked = { method, path, query: url.searchParams, headers, body: await text(request) }
      this.asked.push(asked)
      const { status = 200, headers: said = {}, body = '' } = this.#say(asked)
      response.writeHead(status, said).end(method === 'HEAD' ? undefined : body)
    })()
  })
  readonly #say: (asked: Asked) => Says
  #session: Session | undefined
  /** Connections that were made to it. */
  connections = 0

  private constructor(say: (asked: Asked) => Says) {
    this.#say = say
  }

  static async server(say: (asked: Asked) => Says): Promise<Scripted> {
    const scripted = new Scripted(say)
    scripted.#server.on('connection', () => scripted.connections++)
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve))
    return scripted
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async open(auth: Record<string, unknown> = {}, host?: Host): Promise<Session> {
    const keys = 'profile' in auth || 'from' in auth ? {} : { access_key: 'key', secret_key: 'secret' }
    const { from: _from, ...rest } = auth
    this.#session = await s3.open({ bucket: 'bucket', endpoint: `http://${this.address}`, ...keys, ...rest }, host)
    this.asked.length = 0
    return this.#session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** A listing as the server would write it. */
export function listing({
  files = [],
  folders = [],
  next,
  encoding = 'url',
}: { files?: string[]; folders?: string[]; next?: string; encoding?: string } = {}): Says {
  const write = (key: string) => (encoding === 'url' ? encodeURIComponent(key) : key)
  const contents = files.map(
    (key) =>
      `<Contents><Key>${write(key)}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
  )
  const prefixes = folders.map((key) => `<CommonPrefixes><Prefix>${write(key)}</Prefix></CommonPrefixes>`)
  const more =
    next === undefined ? '' : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`
  const body = `<?xml version="1.0"?><ListBucketResult><EncodingType>${encoding}</EncodingType>${contents.join('')}${prefixes.join('')}${more}</ListBucketResult>`
  return { body }
}

export function refusal(status: number, code: string, headers: Record<string, string> = {}): Says {
  return { status, headers, body: `<Error><Code>${code}</Code><Message>no</Message></Error>` }
}
