import { ConnectorError, type ErrorCode } from '../../connector/errors.ts'
import type { Left, Session, Staged } from '../../connector/connector.ts'
import type { AuditRow, LeftBatch, Leftovers, WorkItem } from '../../ledger/ledger.ts'
import { descendOf } from '../items/addresses.ts'
import type { ExecutionRef } from '../engine/engine.ts'
import { ConnectionTrouble } from '../engine/errors.ts'
import { stagingKey } from '../engine/execution_spec.ts'
import { discardFormer, foreignInside, mergedFormer } from './former_folders.ts'
import type { ActiveExecution } from '../engine/active_executions.ts'
import { recordMade } from './record_made.ts'
import { PublishedBefore, recordPublished, type Published } from './record_published.ts'
import { requireSameRoot } from '../engine/root_identity.ts'
import { OpenSides, type SideName } from '../engine/sides.ts'

/**
 * Stagings of holders that never came back, and long contents put down half-way: removed by recorded name. What such holders
 * had published, and folders that they made, are put on record. A death between any two lines leaves what is found again.
 *
 * @returns what stays
 * @throws ConnectionTrouble when the destination is out of reach for now
 */
export async function clearLeftovers(job: ActiveExecution, ref: ExecutionRef): Promise<readonly AuditRow[]> {
  const leftovers = await job.ledger.leftovers(ref.execution)
  if (job.spec.simulated || (leftovers.batches.length === 0 && leftovers.partials.length === 0)) return []
  const clearing = new Clearing(job, ref)
  for (const side of ['destination', 'source'] as const) {
    const there = writtenTo(leftovers, side)
    if (there.batches.length > 0 || there.partials.length > 0) await clearAt(clearing, there, side)
  }
  for (const [token, published] of clearing.arrived)
    await recordPublished(job, { execution: ref.execution, token, published })
  if (clearing.left.length > 0) await job.ledger.audit(clearing.left)
  return clearing.left
}

function writtenTo({ batches, partials }: Leftovers, side: SideName): Leftovers {
  const isThere = ({ toSource }: { toSource?: boolean }): boolean => (toSource ?? false) === (side === 'source')
  return { batches: batches.filter(isThere), partials: partials.filter(isThere) }
}

async function clearAt(clearing: Clearing, leftovers: Leftovers, side: SideName): Promise<void> {
  try {
    await clearing.run(leftovers, side)
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    if (error.kind === 'connection' && !lastingTrouble.has(error.code))
      throw new ConnectionTrouble(side, error.code, error.message, error.retryAfterMs)
    // A root that is gone, or another in its place: it took them along, and nobody is kept waiting until it is back.
    const message = `what was half-way could not be cleared away at the ${side}: ${error.message}`
    clearing.left.push({ level: 'warn', type: 'left_behind', message })
  }
}

const lastingTrouble: ReadonlySet<string> = new Set<ErrorCode>([
  'RootGone',
  'RootReplaced',
  'Misconfigured',
  'AuthExpired',
  'ReadOnly',
])

/** One side's part of it. One item that is out of reach keeps none of the others. */
class Clearing {
  /** What stays, for the audit log. */
  readonly left: AuditRow[] = []
  /** What had been published, by the token of the batch that it is of. */
  readonly arrived = new Map<number, Published[]>()
  readonly #job: ActiveExecution
  readonly #jobId: string

  constructor(job: ActiveExecution, { jobId }: ExecutionRef) {
    this.#job = job
    this.#jobId = jobId
  }

  /** @throws ConnectorError */
  async run({ batches, partials }: Leftovers, side: SideName): Promise<void> {
    const { ledger, spec } = this.#job
    await using sides = new OpenSides()
    const session = await sides.open(spec[side])
    const { path } = spec[side]
    const root = await session.root(path)
    if (!root) throw new ConnectorError('RootGone', `${JSON.stringify(path)} is gone`)
    await requireSameRoot(ledger, { side, path }, root)
    const before = await PublishedBefore.of(this.#job, session)
    for (const batch of batches) await this.#batch(batch, { session, root: root.id, before })
    for (const { folder, tokens } of mergedFormer(batches)) {
      const stays = await discardFormer(session, { root: root.id, jobId: this.#jobId, tokens }, folder)
      this.left.push(...stays.map((name) => foreignInside(folder.item, name)))
    }
    for (const { item, container, key, resume } of partials) {
      const left = resume === undefined ? {} : { resume }
      const id = descendOf(session, root.id, container)
      if (id !== undefined) await this.#discard(session, item, { container: id, key, left })
    }
    await recordMade(this.#job, { session, root: root.id }, batches)
  }

  async #batch(
    { token, containers, items, staged, formerTokens }: LeftBatch,
    { session, root, before }: { session: Session; root: string; before: PublishedBefore },
  ): Promise<void> {
    const addresses = new Map(containers.map((container) => [container.item, container]))
    const onRecord = new Map(staged.map((one) => [one.item, one]))
    const published: Published[] = []
    this.arrived.set(token, published)
    for (const work of items) {
      const { item } = work
      const known = onRecord.get(item)
      if (known) {
        const { staged, source = work.source } = known
        const found = await this.#published(before, { ...work, source }, staged)
        if (found) published.push(found)
        const { resume } = staged
        await this.#discard(session, item, { ...staged, left: resume === undefined ? {} : { resume } })
      }
      const address = addresses.get(work.container)
      const container = address && descendOf(session, root, address)
      if (container === undefined) continue
      const left = { name: work.destinationName, sizeBytes: work.source.sizeBytes }
      for (const former of formerTokens)
        await this.#discard(session, item, { container, key: stagingKey(this.#jobId, item, former), left })
    }
  }

  async #published(before: PublishedBefore, work: WorkItem, staged: Staged): Promise<Published | undefined> {
    try {
      return await before.find(work, staged)
    } catch (error) {
      this.#stays(work.item, error, 'whether it had arrived could not be told')
      return undefined
    }
  }

  async #discard(
    session: Session,
    item: number,
    { container, key, left }: Pick<Staged, 'container' | 'key'> & { left: Left },
  ): Promise<void> {
    try {
      await session.discard(container, key, left)
    } catch (error) {
      this.#stays(item, error, `its staging ${key} stays`)
    }
  }

  /** @throws the error, unless it is one of the item */
  #stays(item: number, error: unknown, what: string): void {
    if (!(error instanceof ConnectorError) || error.kind === 'connection') throw error
    this.left.push({ item, level: 'warn', type: 'left_behind', message: `${what}: ${error.message}` })
  }
}
