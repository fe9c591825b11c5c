import type { MessagePort } from 'node:worker_threads'
import { fromSent, LedgerGone } from './errors.ts'
import { countedSize, packFacts } from './facts_text.ts'
import type { Claim, Ledger, Patience, TrackedRow } from './ledger.ts'
import { LeaseLost } from './ledger.ts'
import type { Call, Reply, Request } from './owner.ts'
import { OwnerThread } from './owner_threads.ts'
import { TrackedRows } from './sqlite/tracked_rows.ts'
import {
  fromWireAddress,
  fromWireBatch,
  fromWireLeftovers,
  fromWireFinalizeBatch,
  fromWireRemovals,
  toStagedText,
  toWireAudit,
  toWireFinished,
  toWireListing,
  toWireResults,
  type WireAddress,
  type WireBatch,
  type WireLeftovers,
  type WireToList,
  type WireFinalizeBatch,
  type WireRemovalBatch,
} from './wire.ts'

/** A ledger whose thread serves it. */
export interface LedgerHandle {
  readonly file: string
  /** A channel for one thread, to be transferred to it and given to {@link connectLedger} there. */
  port(): MessagePort
  /** Resolves when nobody answers for the ledger any more: it was closed, or its thread died. */
  readonly ended: Promise<void>
  /** Commits and answers what was asked, then lets go of the file. */
  close(): Promise<void>
}

/**
 * Lets a thread own a ledger file, creating the file if there is none.
 *
 * @throws LedgerHeld when another process or thread owns it; DatabaseUnusable when it is damaged or no ledger
 */
export async function openLedger(file: string): Promise<LedgerHandle> {
  const thread = await OwnerThread.opening(file)
  let closed: () => void = () => undefined
  const ended = Promise.race([thread.gone, new Promise<void>((resolve) => (closed = resolve))])
  return {
    file,
    port: () => thread.port(),
    ended,
    async close() {
      await thread.close(file)
      closed()
    },
  }
}

/** The ledger as seen from any thread; every method that writes is answered by its owner after the commit. */
export function connectLedger(port: MessagePort, file: string): Ledger {
  return new LedgerClient(port, new TrackedRows(file))
}

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

class LedgerClient implements Ledger {
  onCrashed: (why: string) => void = () => undefined
  readonly #port: MessagePort
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  readonly #whenIdle: (() => void)[] = []
  #gone: Error | undefined
  readonly #rows: TrackedRows
  /** Of the last claim of containers. */
  #execution = 0
  /** A container read to its end, so that asking once more need not read. */
  #readWhole: { container: number; last: number } | undefined

  constructor(port: MessagePort, rows: TrackedRows) {
    this.#port = port
    this.#rows = rows
    port.on('message', (reply: Reply) => this.#answered(reply))
    port.on('close', () => this.#end(new LedgerGone('the ledger was closed, or its thread died')))
    port.unref()
  }

  async begin(start: Parameters<Ledger['begin']>[0]): Promise<void> {
    await this.#ask('begin', [start])
  }

  end(execution: number, halted?: string): ReturnType<Ledger['end']> {
    return this.#ask('end', [execution, halted])
  }

  async claimContainers(...[holder, limit, patience]: Parameters<Ledger['claimContainers']>) {
    this.#execution = holder.execution
    const claim = await this.#claim<WireToList[]>('claimContainers', [holder, limit], patience)
    if (claim.state === 'closed') this.#rows.close()
    return mapped(claim, (containers) => containers.map(fromWireAddress))
  }

  async returnContainers(tokens: number[]): Promise<void> {
    await this.#ask('returnContainers', [tokens])
  }

  /** Not asked of the owner: see {@link TrackedRows}. */
  async tracked(container: number, after: number): Promise<TrackedRow[]> {
    if (this.#readWhole?.container === container && this.#readWhole.last === after && after !== 0) return []
    const { rows, complete } = this.#rows.after(container, after, this.#execution)
    this.#readWhole = complete ? { container, last: rows.at(-1)?.item ?? 0 } : undefined
    return rows
  }

  async enumerated(listing: Parameters<Ledger['enumerated']>[0]): Promise<void> {
    this.#readWhole = undefined
    await this.#ask('enumerated', [toWireListing(listing)])
  }

  async claimBatch(...[holder, limit, patience]: Parameters<Ledger['claimBatch']>) {
    const { items, bytes } = limit
    const claim = await this.#claim<WireBatch>('claimBatch', [holder, { items, bytes: countedSize(bytes) }], patience)
    return mapped(claim, fromWireBatch)
  }

  async containerReady(...args: Parameters<Ledger['containerReady']>): Promise<void> {
    await this.#ask('containerReady', args)
  }

  async addresses(...args: Parameters<Ledger['addresses']>): ReturnType<Ledger['addresses']> {
    return (await this.#ask<WireAddress[]>('addresses', args)).map(fromWireAddress)
  }

  async staged(...[token, staged]: Parameters<Ledger['staged']>): Promise<void> {
    await this.#ask('staged', [token, toStagedText(staged)])
  }

  async finished(results: Parameters<Ledger['finished']>[0]): Promise<void> {
    await this.#ask('finished', [toWireResults(results)])
  }

  async partial(...[token, item, partial]: Parameters<Ledger['partial']>): Promise<void> {
    await this.#ask('partial', [token, item, { ...partial, source: packFacts(partial.source) }])
  }

  async claimContainersToFinalize(...[holder, limit, patience]: Parameters<Ledger['claimContainersToFinalize']>) {
    const claim = await this.#claim<WireFinalizeBatch>('claimContainersToFinalize', [holder, limit], patience)
    return mapped(claim, fromWireFinalizeBatch)
  }

  async finishedContainers(...[token, results]: Parameters<Ledger['finishedContainers']>): Promise<void> {
    await this.#ask('finishedContainers', [token, toWireFinished(results)])
  }

  planMoved(after: number): ReturnType<Ledger['planMoved']> {
    return this.#ask('planMoved', [after])
  }

  plannedRemovals(execution: number): ReturnType<Ledger['plannedRemovals']> {
    return this.#ask('plannedRemovals', [execution])
  }

  async claimRemovals(...[holder, limit, patience]: Parameters<Ledger['claimRemovals']>) {
    return mapped(await this.#claim<WireRemovalBatch>('claimRemovals', [holder, limit], patience), fromWireRemovals)
  }

  async finishedRemovals(...args: Parameters<Ledger['finishedRemovals']>): Promise<void> {
    await this.#ask('finishedRemovals', args)
  }

  unended(): ReturnType<Ledger['unended']> {
    return this.#ask('unended', [])
  }

  async leftovers(execution: number): ReturnType<Ledger['leftovers']> {
    return fromWireLeftovers(await this.#ask<WireLeftovers>('leftovers', [execution]))
  }

  async renew(holders: string[], leaseMs: number): Promise<void> {
    const lost = await this.#ask<string[]>('renew', [holders, leaseMs])
    if (lost.length > 0) throw new LeaseLost(`others took over the leases of ${lost.join(', ')}`)
  }

  progress(execution: number): ReturnType<Ledger['progress']> {
    return this.#ask('progress', [execution])
  }

  async audit(rows: Parameters<Ledger['audit']>[0]): Promise<void> {
    if (rows.length > 0) await this.#ask('audit', [toWireAudit(rows)])
  }

  async keepFailure(why: string): Promise<void> {
    await this.#ask('keepFailure', [why])
  }

  firstFailure(execution: number): Promise<string | undefined> {
    return this.#ask('firstFailure', [execution])
  }

  async remember(key: string, value: string): Promise<void> {
    await this.#ask('remember', [key, value])
  }

  recall(key: string): Promise<string | undefined> {
    return this.#ask('recall', [key])
  }

  async close(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    this.#end(new LedgerGone('the ledger was closed'))
    this.#port.close()
    this.#rows.close()
  }

  async #claim<T>(call: Call, args: unknown[], patience: Patience | undefined): Promise<Claim<T>> {
    const claim = await this.#ask<Claim<T>>(call, args, patience)
    if (claim.crashed !== undefined) this.onCrashed(claim.crashed)
    return claim
  }

  #ask<T>(call: Call, args: unknown[], patience?: Patience): Promise<T> {
    if (this.#gone) return Promise.reject(this.#gone)
    const id = ++this.#lastId
    return new Promise<T>((resolve, reject) => {
      // Somebody who waits for an answer keeps his thread alive; a channel nobody waits at does not.
      if (this.#pending.size === 0) this.#port.ref()
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      this.#port.postMessage({ id, call, args, ...(patience ? { patience } : {}) } satisfies Request)
    })
  }

  #answered(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (this.#pending.size === 0) this.#idle()
    if ('error' in reply) pending?.reject(fromSent(reply.error))
    else pending?.resolve(reply.value)
  }

  #end(why: Error): void {
    this.#gone ??= why
    for (const { reject } of this.#pending.values()) reject(this.#gone)
    this.#pending.clear()
    this.#idle()
  }

  #idle(): void {
    this.#port.unref()
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

function mapped<T, U>(claim: Claim<T>, map: (claim: T) => U): Claim<U> {
  return claim.state === 'claimed' ? { state: 'claimed', claim: map(claim.claim) } : claim
}
