import { createHash, randomBytes } from 'node:crypto'

export interface Credentials {
  user?: string | undefined
  password?: string | undefined
  /** Sent as it is, without being asked for. */
  token?: string | undefined
}

interface Challenge {
  realm: string
  nonce: string
  opaque: string | undefined
  algorithm: string
  hash: 'md5' | 'sha256'
  /** As the challenge names them; `auth` is the one we know. */
  hasQop: boolean
}

/**
 * What a request says about who makes it. A password is told to nobody who has not asked for it, and by Digest where the server
 * takes that; after the first challenge each request has it from the start.
 */
export class Authorization {
  readonly #credentials: Credentials
  #way: 'unasked' | 'basic' | Challenge = 'unasked'
  #count = 0

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /** Of requests whose body can't be sent twice, one without a body has to go first, so that a challenge meets that. */
  get mayBeChallenged(): boolean {
    return typeof this.#way === 'object' || (this.#way === 'unasked' && this.#credentials.user !== undefined)
  }

  header(method: string, path: string): string | undefined {
    const { token, user = '', password = '' } = this.#credentials
    if (token !== undefined) return `Bearer ${token}`
    if (this.#way === 'unasked') return undefined
    if (this.#way === 'basic') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return this.#digest(this.#way, method, path)
  }

  /**
   * Takes a challenge up.
   *
   * @param challenges the values of `WWW-Authenticate`
   * @param sent what the refused request said
   * @returns whether the request is worth making again
   */
  challenged(challenges: readonly string[], sent: string | undefined): boolean {
    const { token, user } = this.#credentials
    if (token !== undefined || user === undefined) return false
    const offered = challenges.flatMap(schemesOf)
    const digest = offered.map(challengeOf).find((challenge) => challenge !== undefined)
    if (digest) {
      // A nonce that is no longer good is told so; the same words to a fresh one are a refusal.
      const isStale = offered.some(({ parameters }) => parameters.get('stale')?.toLowerCase() === 'true')
      const isRefused = sent?.startsWith('Digest ') === true && !isStale
      this.#way = digest
      this.#count = 0
      return !isRefused
    }
    if (!offered.some(({ scheme }) => scheme === 'basic') || sent?.startsWith('Basic ') === true) return false
    this.#way = 'basic'
    return true
  }

  /** RFC 7616, and RFC 2069 where the server knows no `qop`. */
  #digest({ realm, nonce, opaque, algorithm, hash, hasQop }: Challenge, method: string, uri: string): string {
    const { user = '', password = '' } = this.#credentials
    const h = (text: string): string => createHash(hash).update(text).digest('hex')
    const count = (++this.#count).toString(16).padStart(8, '0')
    const ours = randomBytes(12).toString('hex')
    const secret = h(`${user}:${realm}:${password}`)
    const who = algorithm.toLowerCase().endsWith('-sess') ? h(`${secret}:${nonce}:${ours}`) : secret
    const what = h(`${method}:${uri}`)
    const response = h(hasQop ? `${who}:${nonce}:${count}:${ours}:auth:${what}` : `${who}:${nonce}:${what}`)
    const said = [
      ...[`username=${quoted(user)}`, `realm=${quoted(realm)}`, `nonce=${quoted(nonce)}`, `uri=${quoted(uri)}`],
      ...[`algorithm=${algorithm}`, `response="${response}"`],
      ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
      ...(hasQop ? ['qop=auth', `nc=${count}`, `cnonce="${ours}"`] : []),
    ]
    return `Digest ${said.join(', ')}`
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

interface Offered {
  scheme: string
  parameters: Map<string, string>
}

/** One header may hold several challenges; a scheme is a word that no `=` follows. */
function schemesOf(header: string): Offered[] {
  const offered: Offered[] = []
  for (const [, name, quotedValue, value, scheme] of header.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))|([\w-]+)/g,
  )) {
    if (scheme !== undefined) offered.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    else if (name !== undefined)
      offered.at(-1)?.parameters.set(name.toLowerCase(), quotedValue?.replace(/\\(.)/g, '$1') ?? value ?? '')
  }
  return offered
}

function challengeOf({ scheme, parameters }: Offered): Challenge | undefined {
  const algorithm = parameters.get('algorithm') ?? 'MD5'
  const hash = { md5: 'md5', 'sha-256': 'sha256' }[algorithm.toLowerCase().replace(/-sess$/, '')] as
    Challenge['hash'] | undefined
  const qop = parameters.get('qop')
  const nonce = parameters.get('nonce')
  if (scheme !== 'digest' || nonce === undefined || hash === undefined) return undefined
  const hasQop = qop !== undefined
  if (hasQop && !qop.split(',').some((one) => one.trim().toLowerCase() === 'auth')) return undefined
  return { realm: parameters.get('realm') ?? '', nonce, opaque: parameters.get('opaque'), algorithm, hash, hasQop }
}
