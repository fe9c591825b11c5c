import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Limiter } from '../connector.ts'
import type { ConnectorError } from '../errors.ts'
import { dispatcherFor, type Line } from '../http/dispatcher.ts'
import { networkTrouble } from '../http/trouble.ts'
import { Authorization, type Credentials } from './authorization.ts'
import { multistatus, wholeMultistatus, type Told } from './multistatus.ts'
import { propertyUpdate, propfindBody } from './properties.ts'
import { errorOf } from './trouble.ts'

export type Headers = Record<string, string>

export interface Request {
  method: string
  /** From the server's root on, encoded. */
  path: string
  headers?: Headers
  /** A stream is sent as it comes, and only once. */
  body?: Uint8Array | Readable
  /** Whose id an error names. */
  id?: string
  /** Statuses besides 2xx that are an answer, not an error. */
  accept?: readonly number[]
  /** Twice has the effect of once; else GET, HEAD, PROPFIND, OPTIONS, and what has no condition of PUT, DELETE and PROPPATCH. */
  repeats?: boolean
}

export interface Answer {
  status: number
  headers: Headers
}

export interface Connection extends Line {
  /** The server's scheme, host and port. */
  origin: string
  credentials: Credentials
  /** With every request. */
  headers?: Headers
}

/**
 * Requests to one WebDAV server, over a pool of connections; any number at once. What passes in moments its host's limiter waits
 * for; else nothing is tried twice but for a challenge, which is answered.
 */
export class DavClient {
  readonly origin: string
  readonly #dispatcher: Dispatcher
  readonly #authorization: Authorization
  readonly #headers: Headers
  readonly #limiter: Limiter | undefined

  constructor(connection: Connection, limiter?: Limiter) {
    this.origin = connection.origin
    this.#dispatcher = dispatcherFor(connection)
    this.#authorization = new Authorization(connection.credentials)
    this.#headers = connection.headers ?? {}
    this.#limiter = limiter
  }

  /** @returns the answer and its whole body as text @throws ConnectorError */
  async text(request: Request): Promise<Answer & { text: string }> {
    const { status, headers, body } = await this.stream(request)
    try {
      return { status, headers, text: await body.text() }
    } catch (error) {
      throw networkTrouble(error, request.id)
    }
  }

  /** For answers whose body is for people. */
  async headers(request: Request): Promise<Answer> {
    const { status, headers } = await this.text(request)
    return { status, headers }
  }

  /** @returns the body as it comes; it has to be read to its end or destroyed */
  async stream(request: Request): Promise<Answer & { body: Dispatcher.ResponseData['body'] }> {
    if (isStream(request.body) && this.#authorization.mayBeChallenged) await this.#beChallenged(request)
    const ask = (): Promise<Dispatcher.ResponseData> => this.#answeredOnce(request)
    const { statusCode, headers, body } = await (this.#limiter
      ? this.#limiter.run(ask, { repeats: isRepeatable(request) })
      : ask())
    return { status: statusCode, headers: headers as Headers, body }
  }

  /**
   * What a server tells of an address (`0`), and of what lies in it (`1`), as it comes.
   *
   * @param properties in Clark notation, `{DAV:}getetag`
   */
  async *propfind(path: string, depth: 0 | 1, properties: readonly string[], id?: string): AsyncGenerator<Told> {
    const { status, body } = await this.stream({
      method: 'PROPFIND',
      path,
      headers: { depth: String(depth), 'content-type': 'application/xml; charset=utf-8' },
      body: propfindBody(properties),
      ...(id === undefined ? {} : { id }),
    })
    if (status !== 207) {
      await body.dump().catch(() => undefined)
      throw errorOf({ status: 405 }, id)
    }
    yield* multistatus(body, id)
  }

  /** What a server tells of one address; null where nothing is. */
  async look(path: string, properties: readonly string[], id?: string): Promise<Told | null> {
    const { status, text } = await this.text({
      method: 'PROPFIND',
      path,
      headers: { depth: '0', 'content-type': 'application/xml; charset=utf-8' },
      body: propfindBody(properties),
      accept: [404],
      ...(id === undefined ? {} : { id }),
    })
    if (status === 404) return null
    if (status !== 207) throw errorOf({ status: 405 }, id)
    const [told] = await wholeMultistatus(text)
    return told === undefined || told.status === 404 ? null : told
  }

  /**
   * Sets properties of an address.
   *
   * @returns the statuses of those that were not taken
   */
  async setProperties(
    path: string,
    properties: Readonly<Record<string, string>>,
    { id, headers = {} }: { id?: string; headers?: Headers } = {},
  ): Promise<ReadonlyMap<string, number>> {
    const { status, text } = await this.text({
      method: 'PROPPATCH',
      path,
      headers: { ...headers, 'content-type': 'application/xml; charset=utf-8' },
      body: propertyUpdate(properties),
      ...(id === undefined ? {} : { id }),
    })
    if (status !== 207) return new Map()
    const refused = new Map<string, number>()
    for (const told of await wholeMultistatus(text)) {
      if (told.status !== undefined && told.status >= 300) throw errorOf({ status: told.status }, id)
      for (const [name, why] of told.refused) refused.set(name, why)
    }
    return refused
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }

  async #beChallenged({ path, id }: Request): Promise<void> {
    await this.headers({ method: 'OPTIONS', path, accept: anyStatus, ...(id === undefined ? {} : { id }) })
  }

  async #answeredOnce(request: Request): Promise<Dispatcher.ResponseData> {
    const { method, path, id } = request
    const said = this.#authorization.header(method, path)
    let answer = await this.#send(request, said)
    if (answer.statusCode === 401 && !isStream(request.body)) {
      const challenges = [answer.headers['www-authenticate'] ?? []].flat()
      if (this.#authorization.challenged(challenges, said)) {
        await whole(answer, id)
        answer = await this.#send(request, this.#authorization.header(method, path))
      }
    }
    if (isFine(answer, request)) return answer
    throw await refusalOf(answer, id)
  }

  async #send(request: Request, authorization: string | undefined): Promise<Dispatcher.ResponseData> {
    const { method, path, headers = {}, body, id } = request
    try {
      return await this.#dispatcher.request({
        origin: this.origin,
        path,
        method: method as Dispatcher.HttpMethod,
        headers: { ...this.#headers, ...headers, ...(authorization === undefined ? {} : { authorization }) },
        // Else each HEAD takes its connection with it, for the sake of servers that send a body after all.
        reset: false,
        ...(body === undefined ? {} : { body }),
      })
    } catch (error) {
      throw networkTrouble(error, id)
    }
  }
}

const anyStatus = [401, 403, 404, 405, 409, 500, 501]

function isStream(body: Request['body']): boolean {
  return body !== undefined && !(body instanceof Uint8Array)
}

function isRepeatable({ method, headers = {}, body, repeats }: Request): boolean {
  if (isStream(body)) return false
  if (repeats !== undefined) return repeats
  if (['GET', 'HEAD', 'PROPFIND', 'OPTIONS'].includes(method)) return true
  const isConditional = ['if', 'if-match', 'if-none-match'].some((name) => headers[name] !== undefined)
  return ['PUT', 'DELETE', 'PROPPATCH'].includes(method) && !isConditional
}

function isFine({ statusCode }: Dispatcher.ResponseData, { accept = [] }: Request): boolean {
  return (statusCode >= 200 && statusCode < 300) || accept.includes(statusCode)
}

async function whole({ body }: Dispatcher.ResponseData, id: string | undefined): Promise<void> {
  try {
    await body.dump()
  } catch (error) {
    throw networkTrouble(error, id)
  }
}

async function refusalOf(answer: Dispatcher.ResponseData, id: string | undefined): Promise<ConnectorError> {
  await whole(answer, id)
  const { statusCode: status, headers } = answer
  const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
  return errorOf({ status, retryAfter: header('retry-after'), location: header('location') }, id)
}
