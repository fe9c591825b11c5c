import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { toSent, type SentError } from './errors.ts'
import type { Claim, Patience } from './ledger.ts'
import type { SqliteLedger } from './sqlite/ledger.ts'
import type { WireListing } from './wire.ts'

/** What may be asked of the ledger's thread: methods of {@link SqliteLedger}. */
export type Call =
  | 'begin'
  | 'end'
  | 'claimContainers'
  | 'returnContainers'
  | 'enumerated'
  | 'claimBatch'
  | 'containerReady'
  | 'addresses'
  | 'staged'
  | 'finished'
  | 'partial'
  | 'claimContainersToFinalize'
  | 'finishedContainers'
  | 'planMoved'
  | 'plannedRemovals'
  | 'claimRemovals'
  | 'finishedRemovals'
  | 'unended'
  | 'leftovers'
  | 'renew'
  | 'progress'
  | 'audit'
  | 'keepFailure'
  | 'firstFailure'
  | 'remember'
  | 'recall'

export interface Request {
  id: number
  call: Call
  args: unknown[]
  /** Of a claim. */
  patience?: Patience
}

export type Reply = { id: number; value: unknown } | { id: number; error: SentError }

interface Asked extends Request {
  port: MessagePort
  /** A claim that found nothing is answered at this time at the latest. */
  untilMs: number
}

const waitMs = 500
/** Requests in one transaction; more would keep the first of them waiting. */
const together = 200
/** A held-back claim looks again this often even if nothing was heard: leases expire, items fall due. */
const lookAgainMs = 250

const claims: ReadonlySet<Call> = new Set<Call>([
  'claimContainers',
  'claimBatch',
  'claimContainersToFinalize',
  'claimRemovals',
])
/** After these there may be something to claim. */
const makeWork: ReadonlySet<Call> = new Set<Call>([
  'begin',
  'end',
  'returnContainers',
  'finished',
  'finishedContainers',
  'finishedRemovals',
])

/**
 * Serves one ledger to many threads: takes what has arrived on all ports, runs it in one transaction, then answers. A
 * request that fails undoes itself only; nobody is answered before what he asked for is committed.
 */
export class Owner {
  readonly #ledger: SqliteLedger
  readonly #ports = new Set<MessagePort>()
  #arrived: Asked[] = []
  #heldBack: Asked[] = []
  #scheduled = false
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(ledger: SqliteLedger) {
    this.#ledger = ledger
  }

  serve(port: MessagePort): void {
    this.#ports.add(port)
    port.on('message', (request: Request) => {
      this.#take(port, request)
      this.#soon()
    })
    port.on('close', () => {
      this.#ports.delete(port)
      this.#heldBack = this.#heldBack.filter((asked) => asked.port !== port)
    })
  }

  /** Answers what has arrived and lets go of the file. */
  close(): void {
    if (this.#closed) return
    this.#drain()
    while (this.#arrived.length > 0) this.#commitGroup(true)
    for (const asked of this.#heldBack) asked.untilMs = 0
    this.#commitGroup(true)
    this.#closed = true
    clearTimeout(this.#timer)
    for (const port of this.#ports) port.close()
    this.#ledger.close()
  }

  #take(port: MessagePort, request: Request): void {
    const patience = claims.has(request.call) ? (request.patience?.waitMs ?? waitMs) : 0
    this.#arrived.push({ ...request, port, untilMs: patience > 0 ? Date.now() + patience : 0 })
  }

  #soon(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    // After the other ports' messages of this turn were seen.
    setImmediate(() => {
      this.#scheduled = false
      if (this.#closed) return
      this.#drain()
      this.#commitGroup(false)
      if (this.#arrived.length > 0) this.#soon()
      this.#wakeLater()
    })
  }

  #drain(): void {
    for (const port of this.#ports) {
      while (this.#arrived.length < together) {
        const received = receiveMessageOnPort(port) as { message: Request } | undefined
        if (!received) break
        this.#take(port, received.message)
      }
    }
  }

  #commitGroup(lookAgain: boolean): void {
    const group = this.#arrived.splice(0, together)
    const waiting = this.#heldBack
    if (group.length === 0 && waiting.length === 0) return
    const replies: { asked: Asked; reply: Reply }[] = []
    try {
      this.#ledger.begun()
      let wakes = lookAgain
      for (const asked of group) if (this.#run(asked, replies)) wakes = true
      if (wakes) {
        this.#heldBack = this.#heldBack.filter((asked) => !waiting.includes(asked))
        for (const asked of waiting) this.#run(asked, replies)
      }
      this.#ledger.commit()
    } catch (error) {
      const sent = this.#refused(error)
      this.#heldBack = []
      for (const asked of [...group, ...waiting]) asked.port.postMessage({ id: asked.id, error: sent } satisfies Reply)
      return
    }
    for (const { asked, reply } of replies) asked.port.postMessage(reply)
  }

  /** @returns whether somebody who waits may find something now */
  #run(asked: Asked, replies: { asked: Asked; reply: Reply }[]): boolean {
    const { id, call, args } = asked
    try {
      const value = this.#ledger.atomically(() => Reflect.apply(this.#ledger[call], this.#ledger, args) as unknown)
      if (claims.has(call) && mayWait(value as Claim<unknown>, asked)) this.#heldBack.push(asked)
      else replies.push({ asked, reply: { id, value } })
      return isNews(asked, value)
    } catch (error) {
      // A full disk may have undone the whole transaction, and with it what the others of this group were to be told.
      if (!this.#ledger.inTransaction) throw error
      replies.push({ asked, reply: { id, error: this.#refused(error) } })
      return false
    }
  }

  #refused(error: unknown): SentError {
    const sent = toSent(error, this.#ledger.file)
    if (sent.name === 'HomeFull') this.#ledger.homeFull()
    return sent
  }

  #wakeLater(): void {
    clearTimeout(this.#timer)
    if (this.#heldBack.length === 0) return
    const now = Date.now()
    const patience = Math.min(...this.#heldBack.map((asked) => asked.untilMs))
    const due = this.#ledger.nextDueMs() ?? Infinity
    const inMs = Math.max(1, Math.min(patience - now, Math.max(due - now, 10), lookAgainMs))
    this.#timer = setTimeout(() => {
      this.#commitGroup(true)
      this.#wakeLater()
    }, inMs)
  }
}

/** A run without changes lists thousands of containers in which nothing is to be done: that wakes nobody. */
function isNews({ call, args }: Request, value: unknown): boolean {
  if (call === 'claimContainers') return (value as Claim<unknown>).state === 'closed'
  if (call !== 'enumerated') return makeWork.has(call)
  const { fresh, changed, unchanged, descend, failed } = args[0] as WireListing
  // Without children, too: a new empty container is to be made.
  const isQuiet = unchanged.length > 0 && fresh.name.length === 0 && changed.length === 0 && descend.length === 0
  return !isQuiet || failed !== undefined
}

/** Nothing yet, and the time to say so has not come. */
function mayWait(claim: Claim<unknown>, { untilMs }: Asked): boolean {
  const now = Date.now()
  if (now >= untilMs || claim.crashed !== undefined) return false
  return claim.state === 'wait' || (claim.state === 'waiting' && now + claim.items.nextDueMs < untilMs)
}
