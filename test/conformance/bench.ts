import { createHash } from 'node:crypto'
import type { Attributes, Connector, Session, Staged, Target } from '../../src/connector/connector.ts'
import { ConnectorError, type ErrorCode } from '../../src/connector/errors.ts'
import type { Facet, Facts, Item } from '../../src/connector/item.ts'
import type { Maybe } from '../../src/connector/maybe.ts'

/** A connector to be examined, on a fresh, empty root of its own. */
export interface Subject {
  connector: Connector
  auth: Record<string, unknown>
  /** `NODE_OPTIONS` of a process that is to know the platform, where it is not one of ours. */
  nodeOptions?: string
  oracle: Oracle
  /** How many children its oracle can make in the time that a test has; as many as asked for when not given. */
  mostChildren?: number
  dispose(): Maybe<void>
}

/**
 * The second channel: looks at and changes what is stored without the connector (the disk, `stat`, `getfacl`, the tables).
 * Paths are names from the connection's root down. A change must be one the platform's own facts show.
 */
export interface Oracle {
  put(path: readonly string[], content: Uint8Array): Maybe<void>
  makeContainer(path: readonly string[]): Maybe<void>
  remove(path: readonly string[]): Maybe<void>
  /** Null when there is no file of that name. */
  content(path: readonly string[]): Maybe<Uint8Array | null>
  /** Everything that lies in a container, stagings included. */
  names(path: readonly string[]): Maybe<string[]>
  modifiedNs(path: readonly string[]): Maybe<bigint>
  /** Where symbolic links are claimed. */
  linkTarget?(path: readonly string[]): Maybe<string>
  /** Where owners are claimed: ids as in `Principal.id`. */
  owners?(path: readonly string[]): Maybe<{ owner: string; group: string }>
  /** Where metadata is claimed: every property there is. */
  metadata?(path: readonly string[]): Maybe<Record<string, string>>
  /** Where permissions are claimed: what somebody has, in the platform's own words; '' for nothing. `who` is a role or an id. */
  access?(path: readonly string[], who: Grantee): Maybe<string>
}

export type Grantee = 'owner' | 'owning_group' | 'everyone' | { type: 'account' | 'group'; id: string }

interface WriteOptions {
  condition?: Target['condition']
  attributes?: Attributes
  key?: string
  /** Under which it is to be published, when not as `file`. */
  name?: string
}

let keys = 0

/** One session under examination, and short ways to do common things with it. */
export class Bench {
  readonly subject: Subject
  readonly session: Session

  private constructor(subject: Subject, session: Session) {
    this.subject = subject
    this.session = session
  }

  static async open(subject: Subject): Promise<Bench> {
    return new Bench(subject, await subject.connector.open(subject.auth))
  }

  get oracle(): Oracle {
    return this.subject.oracle
  }

  get claims() {
    return this.session.capabilities
  }

  freshKey(): string {
    return `kit-${(++keys).toString(36)}`
  }

  async rootId(): Promise<string> {
    const root = await this.session.root('/')
    if (!root) throw new Error('the root is missing')
    return root.id
  }

  /** Pages as they come, in a list. */
  async pages(container: string, want: readonly Facet[] = []) {
    const pages = []
    for await (const page of this.session.list(container, want)) pages.push(page)
    return pages
  }

  async children(container: string, want: readonly Facet[] = []): Promise<Item[]> {
    const pages = await this.pages(container, want)
    if (pages.at(-1)?.complete !== true) throw new Error('the listing is not complete')
    return pages.flatMap((page) => page.items)
  }

  async child(container: string, name: string, want: readonly Facet[] = []): Promise<Item> {
    const found = (await this.children(container, want)).find((item) => item.name === name)
    if (!found) throw new Error(`${name} is not listed`)
    return found
  }

  async makeContainer(container: string, name: string): Promise<Item> {
    return this.session.makeContainer(container, name, this.freshKey())
  }

  async stage(container: string, content: Uint8Array, options: WriteOptions = {}): Promise<Staged> {
    const staging = await this.session.stage({
      container,
      key: options.key ?? this.freshKey(),
      sizeBytes: BigInt(content.length),
      attributes: options.attributes ?? {},
      name: options.name ?? 'file',
      replaces: options.condition !== undefined && options.condition !== 'absent',
      durability: 'process',
    })
    if (content.length > 0) await staging.write(content, 0n)
    return staging.finish(sha256(content))
  }

  async write(container: string, name: string, content: Uint8Array, options: WriteOptions = {}): Promise<Item> {
    const staged = await this.stage(container, content, { name, ...options })
    return this.session.publish(staged, { container, name, condition: options.condition ?? 'absent' })
  }

  async read(id: string, expected?: Facts, chunk = 64 * 1024): Promise<Buffer> {
    const reading = await this.session.open(id, expected)
    const parts: Buffer[] = []
    let whole = false
    try {
      for (let at = 0n; ;) {
        const into = Buffer.alloc(chunk)
        const n = await reading.read(into, at)
        if (n === 0) break
        parts.push(into.subarray(0, n))
        at += BigInt(n)
      }
      whole = true
    } finally {
      await reading.close(!whole)
    }
    return Buffer.concat(parts)
  }

  /** In one call, where there is one. */
  async readWhole(id: string, expected: Facts): Promise<Buffer> {
    if (!this.session.readWhole) return this.read(id, expected)
    const size = Number(expected.sizeBytes)
    const into = Buffer.alloc(size + 100, 0xee)
    await this.session.readWhole(id, expected, into)
    return into.subarray(0, size)
  }
}

/** The bench of the test that is running. */
export type Current = () => Bench

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The error code of what must fail; fails itself when it does not, or with something that is no connector's error. */
export async function refusal(attempt: () => unknown): Promise<ErrorCode> {
  try {
    await attempt()
  } catch (error) {
    if (error instanceof ConnectorError) return error.code
    throw error
  }
  throw new Error('it was accepted')
}

/** An item but for its access time, which looking at the content changes. */
export function still<T extends Item | null>(item: T): T {
  return item && { ...item, accessedNs: undefined }
}

export function bytes(text: string): Buffer {
  return Buffer.from(text)
}

/** Content in which every place is recognisable. */
export function pattern(length: number): Buffer {
  const content = Buffer.alloc(length)
  for (let i = 0; i < length; i++) content[i] = (i * 31 + (i >> 8) * 7) & 0xff
  return content
}
