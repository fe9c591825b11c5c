import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Session } from '../../connector/connector.ts'
import type { Item } from '../../connector/item.ts'
import type { ItemState } from '../../ledger/item_state.ts'
import type { LedgerReader } from '../../ledger/sqlite/reader.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { nameKey } from '../../policy/same_name.ts'
import { AccessCarrier } from '../access_carrier.ts'
import type { Difference, Finding, Verified } from './difference.ts'
import { accessKey, accessSince } from '../access_asked.ts'
import { rootKey, rootMade, stagedItem, type SideSpec } from '../job_spec.ts'
import { Listed, Stack, type ListedNaming } from './listed.ts'
import type { LoadedJob } from '../load_job.ts'
import { requireStatedHash } from '../read_content.ts'
import { rootMayChange } from '../root_identity.ts'
import { OpenSides, type SideName } from '../sides.ts'
import { itemTrouble } from '../trouble.ts'
import { accessFindings } from './verify_access.ts'
import {
  comparableTimes,
  hasAccessOf,
  isOurs,
  isTransferred,
  pairFindings,
  sourceFindings,
  timeFindings,
  type ComparableTimes,
} from './verify_pair.ts'

export type { Difference, DifferenceKind, Verified } from './difference.ts'

export interface VerifyParts {
  loaded: LoadedJob
  ledger: LedgerReader
  /** After each item, with what was looked at so far. */
  onProgress?(soFar: Verified): void
}

/** A side has no such folder: there is nothing to compare. */
export class CannotVerify extends Error {
  override readonly name = 'CannotVerify'
}

/**
 * Reads both sides anew and trusts nobody: the source is walked by its own listings, every file's bytes are read on both
 * sides, and content, size, kind, link target, times, owner and permissions are compared with each other and with the
 * ledger. Trouble with one item is a difference and the walk goes on. Best run while the job does not.
 *
 * @returns as the generator's last value, what was looked at
 * @throws CannotVerify; ConnectorError or SideTrouble of a connection
 */
export async function* verifyJob(parts: VerifyParts): AsyncGenerator<Difference, Verified> {
  const { source, destination } = parts.loaded.spec
  await using sides = new OpenSides()
  const from = await wholeSide('source', sides, source)
  const to = await wholeSide('destination', sides, destination)
  using pairs = new Stack<Pair>()
  return yield* new Verification(parts, { source: from, destination: to }, pairs).whole()
}

interface WholeSide {
  session: Session
  root: Item
}

async function wholeSide(which: SideName, sides: OpenSides, side: SideSpec): Promise<WholeSide> {
  const session = await sides.open(side)
  const root = await session.root(side.path)
  if (!root) throw new CannotVerify(`${which}: ${JSON.stringify(side.path)} does not exist`)
  return { session, root }
}

/** One container, as far as it is known to each side and to the ledger. */
interface Pair {
  /** With a slash at the end. */
  path: string
  destinationPath: string
  row?: number
  from?: string
  to?: string
  /** It left the source, and an execution noticed. */
  gone?: boolean
  /** Why children that have no row are no surprise: the container itself was not looked into. */
  unsettled?: { state: ItemState; reason: string }
}

interface AccessPair {
  from: Item
  to: Item
  as: Item['kind'] | 'root'
  isNew: boolean
  /** It is as it arrived, by other maps or settings than the present ones. */
  asBefore?: boolean
}

/** A child of the pair in hand. */
interface Place {
  path: string
  destinationPath: string
}

const chunkBytes = 512 * 1024
/** Platforms on this machine answer at once, and would leave no time for anybody else. */
const breatheEvery = 100

class Verification {
  readonly #loaded: LoadedJob
  readonly #ledger: LedgerReader
  readonly #onProgress: VerifyParts['onProgress']
  readonly #sides: Record<SideName, WholeSide>
  readonly #naming: Record<SideName, ListedNaming>
  readonly #chunks = { source: Buffer.allocUnsafeSlow(chunkBytes), destination: Buffer.allocUnsafeSlow(chunkBytes) }
  readonly #carrier: AccessCarrier
  readonly #times: ComparableTimes
  readonly #lastExecution: number | undefined
  /** The first execution that owners and permissions were carried by the present maps and settings; none has yet: Infinity. */
  readonly #accessSince: number
  readonly #pairs: Stack<Pair>
  readonly #notTransferred = new Map<string, Verified['notTransferred'][number]>()
  readonly #soFar: Verified = {
    files: 0,
    folders: 0,
    read: { source: 0n, destination: 0n },
    differences: 0,
    notTransferred: [],
    gone: 0,
    accessBefore: 0,
    foreign: 0,
  }
  #looks = 0

  constructor({ loaded, ledger, onProgress }: VerifyParts, sides: Record<SideName, WholeSide>, pairs: Stack<Pair>) {
    this.#loaded = loaded
    this.#ledger = ledger
    this.#onProgress = onProgress
    this.#sides = sides
    this.#pairs = pairs
    this.#lastExecution = ledger.executions().at(-1)?.n
    this.#accessSince = sinceWhen(loaded.spec, ledger.recall(accessKey))
    const { source, destination } = sides
    this.#carrier = new AccessCarrier(loaded.spec, source.session, destination.session)
    const { times } = source.session.capabilities
    this.#times = comparableTimes(loaded.settings, times, destination.session.capabilities.times)
    this.#naming = {
      source: namingOf(source.session, (name) => name),
      destination: namingOf(destination.session, nameKey(destination.session.capabilities.names)),
    }
  }

  async *whole(): AsyncGenerator<Difference, Verified> {
    const { source, destination } = this.#sides
    yield* this.#root()
    this.#pairs.push({ path: '/', destinationPath: '/', row: 1, from: source.root.id, to: destination.root.id })
    for (let pair = this.#pairs.pop(); pair; pair = this.#pairs.pop()) yield* this.#container(pair)
    return this.#soFar
  }

  async *#root(): AsyncGenerator<Difference> {
    const at = { path: '/', destinationPath: '/' }
    const { source, destination } = this.#sides
    for (const side of ['source', 'destination'] as const) {
      const before = this.#ledger.recall(rootKey(side))
      const now = this.#sides[side].root.identity
      if (before === undefined || now === undefined || before === now) continue
      if (side === 'source' && rootMayChange(this.#loaded.spec)) continue
      yield this.#differs(at, { kind: 'ledger', message: `the ${side} is not the folder of earlier executions` })
    }
    if (this.#ledger.recall(rootMade) !== 'yes') return
    yield* this.#all(at, timeFindings(source.root, destination.root, this.#times))
    const isNew = this.#ledger.executions().length === 1
    yield* this.#access(at, { from: source.root, to: destination.root, as: 'root', isNew })
  }

  /** Compares the children of a container, and remembers the containers among them for later. */
  async *#container(pair: Pair): AsyncGenerator<Difference> {
    const { entriesInMemory } = this.#loaded.spec.limits
    using source = new Listed(this.#naming.source, entriesInMemory)
    using destination = new Listed(this.#naming.destination, entriesInMemory)
    const troubles = [
      ...(await this.#list('source', pair.from, source)),
      ...(await this.#list('destination', pair.to, destination)),
    ]
    if (troubles.length > 0) return yield* this.#all(placeOf(pair), troubles)
    if (pair.row !== undefined)
      for (const row of this.#ledger.children(pair.row)) {
        const from = source.take(...keyIn(this.#sides.source.session, row.name, row.sourceId))
        const [key, name] = keyIn(this.#sides.destination.session, row.destinationName, row.destinationId)
        // What left the source in one case may be there in another, and that is another row's.
        const to = destination.take(key, row.gone ? undefined : name)
        yield* this.#tracked(pair, row, from, to)
        await this.#looked()
      }
    for (const item of source.rest()) {
      yield* this.#untracked(pair, item)
      await this.#looked()
    }
    for (const item of destination.rest()) yield* this.#beside(pair, item)
  }

  /** @returns why a side's listing can't be relied on */
  async #list(side: SideName, id: string | undefined, into: Listed): Promise<Finding[]> {
    if (id === undefined) return []
    const { session } = this.#sides[side]
    const { wanted } = this.#carrier
    // The source's fingerprints must cover what is carried; of the destination the facets themselves are compared.
    const want = side === 'source' ? wanted.filter((facet) => facet === 'permissions') : wanted
    try {
      let complete = false
      for await (const page of session.list(id, want)) {
        into.put(page.items)
        complete = page.complete
      }
      if (complete) return []
      return [{ kind: 'unreadable', message: `could not be listed: ${side}: the listing ended early` }]
    } catch (error) {
      return [{ kind: 'unreadable', message: `could not be listed: ${itemTrouble(error, side).why}` }]
    }
  }

  async *#tracked(pair: Pair, row: ChildRow, from: Item | undefined, to: Item | undefined): AsyncGenerator<Difference> {
    const at = { path: pair.path + row.name, destinationPath: pair.destinationPath + row.destinationName }
    const inside = { ...insideOf(at), ...idsOf(from, to), ...(row.kind === 'container' ? { row: row.item } : {}) }
    if (!from && (row.gone || pair.gone)) {
      this.#soFar.gone += 1
      if (row.kind === 'container') this.#pairs.push({ ...inside, gone: true })
      return
    }
    if (!isTransferred(row)) {
      this.#countLeft(row)
      // Of what was left out with all that is in it, nothing is known; of what failed, children may have arrived earlier.
      if (row.kind === 'container' && (row.state !== 'skipped' || row.reason === 'empty_container'))
        this.#pairs.push({ ...inside, unsettled: row })
      return
    }
    if (row.state === 'remediation') this.#countLeft(row)
    if (row.kind === 'container' || from?.kind === 'container') this.#pairs.push(inside)
    if (!from) return yield this.#differs(at, to ? leftTheSource : onNeitherSide)
    if (row.gone) yield this.#differs(at, backAtTheSource)
    else yield* this.#all(at, sourceFindings(row, from))
    if (!to) {
      yield this.#differs(at, { kind: 'missing', message: `is not at the destination, as ${at.destinationPath}` })
      return
    }
    yield* this.#all(at, pairFindings(row, from, to, this.#times))
    if (from.kind !== to.kind) return
    if (from.kind === 'container') this.#soFar.folders += 1
    else this.#soFar.files += 1
    if (isOurs(row)) {
      const asBefore = row.execution < this.#accessSince && hasAccessOf(row, from, to)
      yield* this.#access(at, { from, to, as: from.kind, isNew: this.#isNew(row), asBefore })
    }
    if (from.kind === 'item' && from.sizeBytes === to.sizeBytes) yield* this.#content(at, row, from, to)
  }

  /** Nothing was there whose permissions could have been added to when it was last written. */
  #isNew({ kind, madeIn, action }: ChildRow): boolean {
    return kind === 'container' ? madeIn === this.#lastExecution : action === 'create'
  }

  /** What is not new may let people do more than the source, where permissions are added. */
  async *#access(at: Place, { from, to, as, isNew, asBefore = false }: AccessPair): AsyncGenerator<Difference> {
    if (this.#carrier.wanted.length === 0) return
    try {
      const there = isNew ? undefined : await this.#carrier.thereNow(to.id)
      const expected = await this.#carrier.accessOf(from.id, from, {
        as,
        onto: there && { item: there, replaced: false },
      })
      const actual = as === 'root' ? await this.#sides.destination.session.stat(to.id, this.#carrier.wanted) : to
      if (expected.stopped !== undefined || !actual) return
      const findings = accessFindings(expected.attributes, actual)
      // Added to what is there, which may be of our own making: then what the source grants has to be in it, and no more.
      if (findings.length > 0 && asBefore) {
        this.#soFar.accessBefore += 1
        return
      }
      if (findings.length === 0 || !there) return yield* this.#all(at, findings)
      const alone = await this.#carrier.accessOf(from.id, from, { as })
      yield* this.#all(at, accessFindings(alone.attributes, actual, 'atLeast'))
    } catch (error) {
      yield this.#differs(at, { kind: 'unreadable', message: itemTrouble(error, 'source').why })
    }
  }

  async *#content(at: Place, row: ChildRow, from: Item, to: Item): AsyncGenerator<Difference> {
    const [source, destination] = await Promise.all([this.#hash('source', from), this.#hash('destination', to)])
    for (const read of [source, destination])
      if ('trouble' in read) yield this.#differs(at, { kind: 'unreadable', message: read.trouble })
    if ('trouble' in source || 'trouble' in destination) return
    if (source.hash !== destination.hash) {
      const message = `SHA-256 ${source.hash} at the source, ${destination.hash} at the destination`
      yield this.#differs(at, { kind: 'content', message })
    } else if (row.hash !== undefined && row.hash !== '' && row.hash !== source.hash) {
      const message = `SHA-256 ${source.hash} on both sides, ${row.hash} in the ledger`
      yield this.#differs(at, { kind: 'ledger', message })
    }
  }

  async #hash(side: SideName, item: Item): Promise<{ hash: string } | { trouble: string }> {
    const chunk = this.#chunks[side]
    const { read } = this.#soFar
    try {
      const reading = await this.#sides[side].session.open(item.id, item)
      const hash = createHash('sha256')
      let whole = false
      try {
        for (let offset = 0n; ;) {
          const n = await reading.read(chunk, offset)
          if (n === 0) break
          hash.update(chunk.subarray(0, n))
          offset += BigInt(n)
          read[side] += BigInt(n)
        }
        whole = true
      } finally {
        await reading.close(!whole)
      }
      const found = hash.digest('hex')
      requireStatedHash(found, item, item.id)
      return { hash: found }
    } catch (error) {
      return { trouble: itemTrouble(error, side).why }
    }
  }

  /** At the source without a row. */
  async *#untracked(pair: Pair, item: Item): AsyncGenerator<Difference> {
    if (pair.unsettled) return this.#countLeft(pair.unsettled)
    const path = pair.path + item.name
    yield this.#differs({ path }, { kind: 'untracked', message: 'is at the source, and no execution has seen it yet' })
    if (item.kind === 'container') this.#pairs.push({ path: `${path}/`, destinationPath: '', from: item.id })
  }

  /** At the destination without a row. */
  async *#beside({ path, destinationPath }: Pair, item: Item): AsyncGenerator<Difference> {
    const staged = stagedItem(this.#loaded.spec.jobId, item.name)
    if (staged === undefined) {
      this.#soFar.foreign += 1
      return
    }
    const row = this.#ledger.item(staged)
    const kept = row?.partialBytes !== undefined && row.partialBytes > 0n
    const whose = row ? `${JSON.stringify(row.name)}` : 'an item the ledger does not know'
    const message = kept
      ? `holds the first ${row.partialBytes} bytes of ${whose}, for the next execution to go on with`
      : `was left behind by the transfer of ${whose}`
    yield this.#differs(
      { path: path + item.name, destinationPath: destinationPath + item.name },
      { kind: 'staging', message },
    )
  }

  *#all(at: Omit<Difference, keyof Finding>, findings: readonly Finding[]): Generator<Difference> {
    for (const finding of findings) yield this.#differs(at, finding)
  }

  #differs(at: Omit<Difference, keyof Finding>, finding: Finding): Difference {
    this.#soFar.differences += 1
    return { ...at, ...finding }
  }

  #countLeft({ state, reason }: { state: ItemState; reason: string }): void {
    const key = `${state} ${reason}`
    const known = this.#notTransferred.get(key)
    if (known) known.items += 1
    else {
      const left = { status: state, reason, items: 1 }
      this.#notTransferred.set(key, left)
      this.#soFar.notTransferred.push(left)
    }
  }

  async #looked(): Promise<void> {
    this.#onProgress?.(this.#soFar)
    this.#looks += 1
    if (this.#looks % breatheEvery === 0) await breathe()
  }
}

const leftTheSource: Finding = {
  kind: 'extra',
  message: 'left the source since it was transferred, and is at the destination still',
}
const onNeitherSide: Finding = { kind: 'ledger', message: 'was transferred, and is on neither side any more' }
const backAtTheSource: Finding = {
  kind: 'untracked',
  message: 'had left the source, and is back: no execution has seen it yet',
}

function namingOf(session: Session, sameAs: (name: string) => string): ListedNaming {
  return { keyOf: session.childId ? (item) => item.name : (item) => item.id, sameAs }
}

/** What to take a row's item by: its name on `path` platforms; its id, or its name where none was recorded, on others. */
function keyIn(
  session: Session,
  name: string,
  recorded: string | undefined,
): [key: string | undefined, name: string | undefined] {
  if (session.childId) return [name, name]
  return recorded === undefined || recorded === '' ? [undefined, name] : [recorded, undefined]
}

function insideOf({ path, destinationPath }: Place): Place {
  return { path: `${path}/`, destinationPath: `${destinationPath}/` }
}

function placeOf({ path, destinationPath }: Pair): Omit<Difference, keyof Finding> {
  const bare = (text: string): string => (text.length > 1 ? text.slice(0, -1) : text)
  return { path: bare(path), ...(destinationPath === '' ? {} : { destinationPath: bare(destinationPath) }) }
}

function idsOf(from: Item | undefined, to: Item | undefined): { from?: string; to?: string } {
  return {
    ...(from?.kind === 'container' ? { from: from.id } : {}),
    ...(to?.kind === 'container' ? { to: to.id } : {}),
  }
}

function sinceWhen(spec: LoadedJob['spec'], remembered: string | undefined): number {
  // Changed since the last execution: what comes next will be the first to go by it.
  return accessSince({ ...spec, execution: Infinity }, remembered).since
}
