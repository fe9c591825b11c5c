import type { Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { noName, splitId } from './addresses.ts'
import type { Headers } from './client.ts'
import type { Element, Told } from './multistatus.ts'
import type { Server } from './server.ts'
import type { WebdavSettings } from './settings.ts'

const second = 1_000_000_000n
const [type, size, modified, etag] = ['resourcetype', 'getcontentlength', 'getlastmodified', 'getetag'].map(
  (name) => `{DAV:}${name}`,
) as [string, string, string, string]
/** Subversion keeps properties of this name alone, and shows them as its own. */
const svnTime = '{http://subversion.tigris.org/xmlns/custom/}stevedore-modified'
const svnHash = '{http://subversion.tigris.org/xmlns/dav/}sha1-checksum'
/** The revision that changed it last; in a transaction there are no etags. */
const svnRevision = '{DAV:}version-name'
const time = '{urn:stevedore}modified'

/** What listings ask for. */
export type Asked = readonly string[]

/** Turns what a server says of a resource into facts, and times into what it keeps. */
export class Shape {
  readonly asked: Asked
  readonly #times: WebdavSettings['times']
  readonly #timeName: string
  readonly #isSvn: boolean

  constructor({ kind }: Server, { times }: Pick<WebdavSettings, 'times'>) {
    this.#times = times
    this.#isSvn = kind === 'svn'
    this.#timeName = this.#isSvn ? svnTime : time
    const carried = times === 'stored' ? [] : this.#isSvn ? [svnTime, svnHash] : [time]
    this.asked = [type, size, modified, ...(this.#isSvn ? [svnRevision] : [etag]), ...carried]
  }

  item(id: string, { properties }: Pick<Told, 'properties'>): Item {
    const { name } = splitId(id)
    const isContainer = isCollection(properties)
    const stored = storedTime(textOf(properties, modified))
    if (name.endsWith(noName)) {
      const special = 'file or folder whose name is no UTF-8'
      return { id, name, kind: 'special', special, sizeBytes: 0n, ...timeOf(stored) }
    }
    const carried = this.#carried(properties, isContainer)
    if (isContainer) return { id, name, kind: 'container', sizeBytes: 0n, ...timeOf(carried ?? stored) }
    const length = textOf(properties, size) ?? ''
    if (!/^\d{1,19}$/.test(length))
      return { id, name, kind: 'special', special: 'something of no size', sizeBytes: 0n, ...timeOf(stored) }
    return {
      ...{ id, name, kind: 'item', sizeBytes: BigInt(length) },
      ...versionOf(textOf(properties, this.#isSvn ? svnRevision : etag), textOf(properties, modified)),
      ...timeOf(carried ?? stored),
    }
  }

  /**
   * The property that keeps a time. It says which content it is the time of: whoever writes another one leaves the property as it
   * was, and an old time would make newer work look old. A container's is of no content.
   *
   * @param of what is there, as it was told
   */
  timeProperty(ns: bigint, of: ReadonlyMap<string, Element>): Record<string, string> {
    const [sign, value] = ns < 0n ? ['-', -ns] : ['', ns]
    const text = `${sign}${value / second}.${String(value % second).padStart(9, '0')}`
    return { [this.#timeName]: isCollection(of) ? text : `${text} ${this.#contentOf(of) ?? ''}` }
  }

  /** Of what `setProperties` answers. @throws ConnectorError `Unsupported` */
  requireTaken(refused: ReadonlyMap<string, number>, id: string): void {
    const status = refused.get(this.#timeName)
    if (status === undefined) return
    const code = status === 507 ? 'QuotaExceeded' : status === 423 ? 'Locked' : 'Unsupported'
    const why = `times: the server keeps no property for the time of this (it answered ${status}); stored takes its own times`
    throw new ConnectorError(code, why, { id })
  }

  #carried(properties: ReadonlyMap<string, Element>, isContainer: boolean): bigint | undefined {
    if (this.#times === 'stored') return undefined
    const [, sign, seconds, fraction, of = ''] =
      /^(-?)(\d{1,15})\.(\d{9})(?: (.*))?$/.exec(textOf(properties, this.#timeName) ?? '') ?? []
    if (seconds === undefined) return undefined
    if (!isContainer && of !== this.#contentOf(properties)) return undefined
    const ns = BigInt(seconds) * second + BigInt(fraction!)
    return sign === '-' ? -ns : ns
  }

  /** What tells a content from every other; a commit of properties alone moves a repository's etags. */
  #contentOf(properties: ReadonlyMap<string, Element>): string | undefined {
    if (this.#isSvn) return textOf(properties, svnHash)
    return versionOf(textOf(properties, etag), textOf(properties, modified)).version
  }
}

/** What an answer to GET says. */
export function factsOf(headers: Headers, { kind }: Server): Facts {
  // Of a part of it, the size of the whole stands behind the range.
  const whole = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length'] ?? '0'
  // A repository's is the revision and the path.
  const told = kind === 'svn' ? /^"(\d+)\//.exec(headers['etag'] ?? '')?.[1] : headers['etag']
  return { sizeBytes: BigInt(whole), ...versionOf(told, headers['last-modified']) }
}

/** Whether it is still what was planned against. A time may be carried by a property, which not every answer tells. */
export function isSame(now: Facts, expected: Facts): boolean {
  if (now.sizeBytes !== expected.sizeBytes) return false
  return now.version === undefined || expected.version === undefined || now.version === expected.version
}

export function refuseAttributes(attributes: Attributes, { times }: Pick<WebdavSettings, 'times'>): void {
  const lacking = Object.entries(attributes).find(([part, value]) => value !== undefined && part !== 'modifiedNs')?.[0]
  if (lacking) throw new ConnectorError('Unsupported', `WebDAV keeps no ${lacking}`)
  if (attributes.modifiedNs !== undefined && times === 'stored')
    throw new ConnectorError('Unsupported', 'this connection takes the times when things were stored for theirs')
}

/** Within a second of a change Apache calls an etag weak, and then strong. Without one, the time of storing is as good as can be. */
function versionOf(etag: string | undefined, modified: string | undefined): { version?: string } {
  const version = etag?.replace(/^W\//, '').replace(/^"(.*)"$/, '$1') || modified
  return version === undefined ? {} : { version }
}

function isCollection(properties: ReadonlyMap<string, Element>): boolean {
  return properties.get(type)?.children.some((child) => child.name === '{DAV:}collection') === true
}

function textOf(properties: ReadonlyMap<string, Element>, name: string): string | undefined {
  const text = properties.get(name)?.text.trim()
  return text === '' ? undefined : text
}

function storedTime(date: string | undefined): bigint | undefined {
  const ms = Date.parse(date ?? '')
  return Number.isNaN(ms) ? undefined : BigInt(Math.floor(ms / 1000)) * second
}

function timeOf(ns: bigint | undefined): { modifiedNs?: bigint } {
  return ns === undefined ? {} : { modifiedNs: ns }
}
