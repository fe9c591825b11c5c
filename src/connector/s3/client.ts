import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Dispatcher } from 'undici'
import type { Limiter } from '../connector.ts'
import type { ConnectorError } from '../errors.ts'
import { dispatcherFor } from '../http/dispatcher.ts'
import { networkTrouble } from '../http/trouble.ts'
import { credentialsOf, regionOf, type CredentialSource } from './credentials.ts'
import { encodeSegment } from '../http/encode.ts'
import { encodeKey } from './keys.ts'
import type { S3Settings } from './settings.ts'
import { errorOf } from './trouble.ts'
import { errorIn } from './xml.ts'

export type Headers = Record<string, string>

export interface Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent: the bucket itself. */
  key?: string
  query?: Record<string, string>
  headers?: Headers
  body?: Uint8Array
  /** SHA-256 of the body in hex, when it is known; `UNSIGNED-PAYLOAD` leaves it out of the signature. */
  bodyHash?: string
  /** Whose id an error names. */
  id?: string
  /** Statuses besides 2xx that are an answer, not an error. */
  accept?: readonly number[]
}

export interface Answer {
  status: number
  headers: Headers
}

const emptyHash = createHash('sha256').digest('hex')
export const unsigned = 'UNSIGNED-PAYLOAD'

/** Signed requests to one bucket, over a pool of connections; any number at once. What passes in moments its host's limiter waits for; else nothing is tried twice but for credentials that ran out. */
export class Client {
  readonly secure: boolean
  readonly #settings: S3Settings
  readonly #origin: URL
  /** Before the key, without a slash at its end. */
  readonly #base: string
  readonly #dispatcher: Dispatcher
  readonly #credentials: CredentialSource
  readonly #signer: SignatureV4
  readonly #limiter: Limiter | undefined

  static async open(settings: S3Settings, limiter?: Limiter): Promise<Client> {
    return new Client(settings, await regionOf(settings), limiter)
  }

  private constructor(settings: S3Settings, region: string, limiter: Limiter | undefined) {
    this.#limiter = limiter
    const { bucket, pathStyle } = settings
    const endpoint = settings.endpoint ?? new URL(`https://s3.${region}.amazonaws.com`)
    // A name with dots in it is in no certificate.
    const inPath = pathStyle || (endpoint.protocol === 'https:' && bucket.includes('.'))
    this.#settings = settings
    this.#origin = new URL(inPath ? endpoint.origin : `${endpoint.protocol}//${bucket}.${endpoint.host}`)
    this.#base = inPath ? `/${encodeSegment(bucket)}` : ''
    this.secure = endpoint.protocol === 'https:'
    this.#dispatcher = dispatcherFor(settings)
    this.#credentials = credentialsOf(settings)
    this.#signer = new SignatureV4({
      service: 's3',
      region,
      credentials: () => this.#credentials(),
      sha256: NodeSha256,
      uriEscapePath: false,
      applyChecksum: false,
    })
  }

  /** Where the bucket is, for people and for telling roots apart. */
  get place(): string {
    return `s3:${(this.#settings.endpoint ?? new URL('https://amazonaws.com')).host}/${this.#settings.bucket}`
  }

  /** @returns the answer and its whole body as text @throws ConnectorError */
  async text(request: Request): Promise<Answer & { text: string }> {
    const { id } = request
    const answer = await this.#answered(request)
    const text = await whole(answer.body, id)
    return { status: answer.statusCode, headers: answer.headers as Headers, text }
  }

  /** For answers without a body. */
  async headers(request: Request): Promise<Answer> {
    const { status, headers } = await this.text(request)
    return { status, headers }
  }

  /** @returns the body as it comes; it has to be read to its end or destroyed */
  async stream(request: Request): Promise<Answer & { body: Dispatcher.ResponseData['body'] }> {
    const { statusCode, headers, body } = await this.#answered(request)
    return { status: statusCode, headers: headers as Headers, body }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }

  #answered(request: Request): Promise<Dispatcher.ResponseData> {
    const ask = (): Promise<Dispatcher.ResponseData> => this.#answeredOnce(request)
    return this.#limiter ? this.#limiter.run(ask, { repeats: isRepeatable(request) }) : ask()
  }

  async #answeredOnce(request: Request): Promise<Dispatcher.ResponseData> {
    const first = await this.#send(request)
    if (isFine(first, request)) return first
    const error = await refusalOf(first, request.id)
    // Credentials of a machine or a role run out; those of the connection only a person can renew.
    if (error.code !== 'AuthExpired' || this.#settings.keys) throw error
    await this.#credentials(true)
    const second = await this.#send(request)
    if (isFine(second, request)) return second
    throw await refusalOf(second, request.id)
  }

  async #send({
    method,
    key,
    query = {},
    headers = {},
    body,
    bodyHash,
    id,
  }: Request): Promise<Dispatcher.ResponseData> {
    const path = key === undefined ? this.#base || '/' : `${this.#base}/${encodeKey(key)}`
    const signed = await this.#signer.sign({
      method,
      protocol: this.#origin.protocol,
      hostname: this.#origin.hostname,
      path,
      query,
      headers: {
        ...headers,
        host: this.#origin.host,
        'x-amz-content-sha256': bodyHash ?? (body === undefined ? emptyHash : sha256(body)),
      },
    })
    const search = Object.entries(query).map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`)
    try {
      return await this.#dispatcher.request({
        origin: this.#origin.origin,
        path: search.length > 0 ? `${path}?${search.join('&')}` : path,
        method,
        headers: signed.headers,
        // Else each HEAD takes its connection with it, for the sake of servers that send a body after all.
        reset: false,
        ...(body === undefined ? {} : { body }),
      })
    } catch (error) {
      throw networkTrouble(error, id)
    }
  }
}

/** Twice has the effect of once: not with a condition, which the first may have made untrue, and not where something is completed. */
function isRepeatable({ method, headers = {} }: Request): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return method !== 'POST' && headers['if-match'] === undefined && headers['if-none-match'] === undefined
}

function isFine({ statusCode }: Dispatcher.ResponseData, { accept = [] }: Request): boolean {
  return (statusCode >= 200 && statusCode < 300) || accept.includes(statusCode)
}

async function whole(body: Dispatcher.ResponseData['body'], id: string | undefined): Promise<string> {
  try {
    return await body.text()
  } catch (error) {
    throw networkTrouble(error, id)
  }
}

async function refusalOf({ statusCode, headers, body }: Dispatcher.ResponseData, id?: string): Promise<ConnectorError> {
  const text = await whole(body, id)
  const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
  return errorOf(
    {
      status: statusCode,
      code: header('x-amz-error-code'),
      ...errorIn(text),
      retryAfter: header('retry-after'),
      region: header('x-amz-bucket-region'),
    },
    id,
  )
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** What the signer hashes with. */
class NodeSha256 {
  readonly #secret: string | Uint8Array | undefined
  #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : typeof secret === 'string' ? secret : bytesOf(secret)
    this.#hash = this.#begin()
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source)
}
