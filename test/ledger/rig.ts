import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { connectLedger } from '../../src/ledger/client.ts'
import { noItems, noResults, pushFacts } from '../../src/ledger/columns.ts'
import type { Facts, ItemKind } from '../../src/connector/item.ts'
import {
  noListing,
  type AuditRow,
  type Batch,
  type Claim,
  type ContainerToList,
  type ExecutionStart,
  type FailedItem,
  type Holder,
  type Ledger,
  type Listing,
  type Results,
} from '../../src/ledger/ledger.ts'
import type { Action } from '../../src/policy/decision.ts'
import { Owner } from '../../src/ledger/owner.ts'
import { SqliteLedger } from '../../src/ledger/sqlite/ledger.ts'

/** A ledger in this thread, with a clock of its own; a restart closes the file and opens it again. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'ledger-test-'))
  readonly file = join(this.folder, 'job.db')
  nowMs = 1_700_000_000_000
  ledger!: Ledger
  #owner!: Owner

  constructor() {
    this.#open()
  }

  async restart(): Promise<void> {
    await this.ledger.close()
    this.#owner.close()
    this.#open()
  }

  async remove(): Promise<void> {
    await this.ledger.close()
    this.#owner.close()
    rmSync(this.folder, { recursive: true })
  }

  #open(): void {
    this.#owner = new Owner(new SqliteLedger(this.file, () => this.nowMs))
    const { port1, port2 } = new MessageChannel()
    this.#owner.serve(port2)
    this.ledger = connectLedger(port1, this.file)
  }
}

export const now = { waitMs: 0 }

export function start(change: Partial<ExecutionStart> = {}): ExecutionStart {
  return {
    execution: 1,
    begunMs: 0,
    auditLevel: 'info',
    simulated: false,
    triesPerExecution: 2,
    maxRetry: 3,
    lazyContainers: false,
    root: { source: { ...facts(0), id: '' }, destination: { ...facts(0), id: '' } },
    ...change,
  }
}

export function facts(n: number, change: Partial<Facts> = {}): Facts {
  return { identity: `1:${n}`, sizeBytes: BigInt(n), modifiedNs: 1_600_000_000_000_000_001n, ...change }
}

export function holder(name: string, execution = 1): Holder {
  return { name, execution, leaseMs: 10_000 }
}

export interface Child {
  name: string
  kind?: ItemKind
  action?: Action
  reason?: string
  size?: number
  destinationName?: string
  rest?: Listing['fresh']['rest'][number]
}

export function listing(container: { item: number; token: number }, change: Partial<Listing> = {}): Listing {
  return { ...noListing({ container: container.item, token: container.token, execution: 1 }), ...change }
}

export function fresh(children: Child[]): Listing['fresh'] {
  const items = noItems()
  children.forEach((child, index) => {
    const { name, kind = 'item', action = 'create', reason = 'new', size = 1, destinationName = name, rest } = child
    items.name.push(name)
    items.kind.push(kind)
    items.destinationName.push(destinationName)
    items.action.push(action)
    items.reason.push(reason)
    pushFacts(items.source, facts(size))
    if (rest) items.rest[index] = rest
  })
  return items
}

export function files(count: number, size = 1, prefix = 'f'): Child[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}`, size }))
}

export function folder(name: string): Child {
  return { name, kind: 'container', size: 0 }
}

/** Everything of the batch succeeded, unless said otherwise. */
export function results(
  batch: Pick<Batch, 'token' | 'items'>,
  change: { only?: number[]; failed?: FailedItem[]; last?: boolean; audit?: AuditRow[]; execution?: number } = {},
): Results {
  const done = noResults()
  const failed = new Set(change.failed?.map(({ item }) => item))
  for (const { item, reason, source } of batch.items) {
    if (failed.has(item) || (change.only && !change.only.includes(item))) continue
    done.item.push(item)
    done.state.push('success')
    done.reason.push(reason)
    done.bytes.push(source.sizeBytes)
    done.hash.push('ab'.repeat(32))
    pushFacts(done.destination, source)
  }
  return {
    token: batch.token,
    execution: change.execution ?? 1,
    last: change.last ?? true,
    done,
    failed: change.failed ?? [],
    audit: change.audit ?? [],
  }
}

export function failure(item: number, change: Partial<FailedItem> = {}): FailedItem {
  return { item, reason: 'Locked', why: 'somebody has it open', retryAfterMs: 1_000, ...change }
}

export function claimed<T>(claim: Claim<T>): T {
  if (claim.state !== 'claimed') throw new Error(`nothing was claimed: ${claim.state}`)
  return claim.claim
}

export async function listRoot(ledger: Ledger, children: Child[], change: Partial<Listing> = {}): Promise<void> {
  const [root] = claimed(await ledger.claimContainers(holder('list'), 1, now))
  await ledger.enumerated(listing(root!, { fresh: fresh(children), ...change }))
}

export async function oneContainer(ledger: Ledger, name = 'list', execution = 1): Promise<ContainerToList> {
  const [container] = claimed(await ledger.claimContainers(holder(name, execution), 1, now))
  return container!
}

export async function oneBatch(ledger: Ledger, name = 'copy', items = 500, execution = 1): Promise<Batch> {
  return claimed(await ledger.claimBatch(holder(name, execution), { items, bytes: 1n << 40n }, now))
}
