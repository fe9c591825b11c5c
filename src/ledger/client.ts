import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { fromSent, LedgerGone, type SentError } from './errors.ts'
import { countedSize, packFacts } from './facts_text.ts'
import type { Claim, Ledger, Patience } from './ledger.ts'
import { LeaseLost } from './ledger.ts'
import type { Call, Reply, Request } from './owner.ts'
import {
  fromWireAddress,
  fromWireBatch,
  fromWireLeftovers,
  fromWireTouched,
  fromWireTracked,
  toStagedText,
  toWireAudit,
  toWireFinished,
  toWireListing,
  toWireResults,
  type WireAddress,
  type WireBatch,
  type WireLeftovers,
  type WireToList,
  type WireTouched,
} from './wire.ts'
import { threadEnvironment } from '../thread_environment.ts'

/** A running ledger thread. */
export interface LedgerHandle {
  /** A channel for one thread, to be transferred to it and given to {@link connectLedger} there. */
  port(): MessagePort
  /** Resolves when the thread has ended, closed or by its death. */
  readonly ended: Promise<void>
  /** Commits and answers what was asked, then ends the thread. */
  close(): Promise<void>
}

/**
 * Starts the thread that owns a ledger file, creating the file if there is none.
 *
 * @throws LedgerHeld when another process or thread owns it; DatabaseUnusable when it is damaged or no ledger
 */
export async function openLedger(file: string, { jobId }: { jobId: string }): Promise<LedgerHandle> {
  const entry = import.meta.url.endsWith('.ts') ? './owner_thread.ts' : './owner_thread.js'
  const worker = new Worker(new URL(entry, import.meta.url), {
    workerData: { file },
    name: `ledger ${jobId}`.slice(0, 60),
    stdout: false,
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
    env: threadEnvironment(),
  })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    worker.once('message', (message: { ready: true } | { error: SentError }) => {
      if ('error' in message) reject(fromSent(message.error))
      else resolve()
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new LedgerGone(`the thread of ${file} did not start`)))
  })
  // Callers learn of a thread that died later through their ports, which close with it.
  worker.removeAllListeners('error')
  worker.on('error', () => undefined)
  worker.unref()
  let gone = false
  void ended.then(() => {
    gone = true
  })
  return {
    port() {
      const { port1, port2 } = new MessageChannel()
      // A thread that is gone takes no port, and whoever asks at the other end would wait for ever.
      if (gone) port2.close()
      else worker.postMessage({ port: port2 }, [port2])
      return port1
    },
    ended,
    async close() {
      worker.ref()
      worker.postMessage({ close: true })
      await ended
    },
  }
}

/** The ledger as seen from any thread; every method is answered by its owner after the commit. */
export function connectLedger(port: MessagePort): Ledger {
  return new LedgerClient(port)
}

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

class LedgerClient implements Ledger {
  readonly #port: MessagePort
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  readonly #whenIdle: (() => void)[] = []
  #gone: Error | undefined
  /** A container read to its end, so that asking once more need not be answered by the owner. */
  #readWhole: { container: number; last: number } | undefined

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (reply: Reply) => this.#answered(reply))
    port.on('close', () => this.#end(new LedgerGone('the ledger was closed, or its thread died')))
    port.unref()
  }

  async begin(start: Parameters<Ledger['begin']>[0]): Promise<void> {
    await this.#ask('begin', [start])
  }

  end(execution: number): ReturnType<Ledger['end']> {
    return this.#ask('end', [execution])
  }

  async claimContainers(...[holder, limit, patience]: Parameters<Ledger['claimContainers']>) {
    const claim = await this.#claim<WireToList[]>('claimContainers', [holder, limit], patience)
    return mapped(claim, (containers) => containers.map(fromWireAddress))
  }

  async returnContainers(tokens: number[]): Promise<void> {
    await this.#ask('returnContainers', [tokens])
  }

  async tracked(container: number, after: number): ReturnType<Ledger['tracked']> {
    if (this.#readWhole?.container === container && this.#readWhole.last === after && after !== 0) return []
    const { pages, last, complete } = await this.#ask<{ pages: string[]; last: number; complete: boolean }>('tracked', [
      container,
      after,
    ])
    this.#readWhole = complete ? { container, last } : undefined
    return fromWireTracked(pages)
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

  async addresses(container: number): ReturnType<Ledger['addresses']> {
    return (await this.#ask<WireAddress[]>('addresses', [container])).map(fromWireAddress)
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

  async claimTouched(...[holder, limit, patience]: Parameters<Ledger['claimTouched']>) {
    const claim = await this.#claim<WireTouched>('claimTouched', [holder, limit], patience)
    return mapped(claim, fromWireTouched)
  }

  async finishedTouched(...[token, results]: Parameters<Ledger['finishedTouched']>): Promise<void> {
    await this.#ask('finishedTouched', [token, toWireFinished(results)])
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
  }

  #claim<T>(call: Call, args: unknown[], patience: Patience | undefined): Promise<Claim<T>> {
    return this.#ask(call, args, patience)
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
