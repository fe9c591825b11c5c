import { setTimeout as sleep } from 'node:timers/promises'
import type { Approval, EndedBy, ExecutionOutcome, SliceResult } from '../../workflows/messages.ts'
import type { Beat, Engine, ExecutionRef, SliceRun } from '../../src/transfer/engine/engine.ts'
import { ConnectionTrouble, FailedToStart, HaltedByItem, ItemsWaiting } from '../../src/transfer/engine/errors.ts'

export interface PlayOptions {
  signal?: AbortSignal
  onBeat?: (beat: Beat) => void
  /** Tries again after trouble with a connection, so often; Temporal would for an hour. */
  outagesSurvived?: number
  sliceMs?: number
  /** Told how each slice ended. */
  onSlice?: (result: SliceResult, lane: string) => void
  /** Between listing everything and carrying any of it out; by default both go on side by side. */
  afterListing?: () => void | Promise<void>
  beforeFinishing?: () => void | Promise<void>
  /** Asked when a plan needs a person's yes; not given, or with another answer than true, the execution is cancelled there. */
  approve?: (approval: Approval) => boolean | Promise<boolean>
}

/** Thrown by a hook: from here on nothing more is called, as when the worker's process is gone. */
export class Abandoned extends Error {}

/** Plays one execution as the workflow does, without Temporal: lanes side by side, then finalize, then complete. */
export async function play(engine: Engine, ref: ExecutionRef, options: PlayOptions = {}): Promise<ExecutionOutcome> {
  return engine.complete(ref, await phases(engine, ref, options))
}

async function phases(engine: Engine, ref: ExecutionRef, options: PlayOptions): Promise<EndedBy> {
  const { signal = new AbortController().signal, onBeat = () => undefined, sliceMs = 20_000 } = options
  // What ends one lane ends them all, as the workflow cancels their scope.
  const ending = new AbortController()
  const either = AbortSignal.any([signal, ending.signal])
  try {
    const start = await engine.initialize(ref)
    const input = { ...ref, sliceMs }
    const run: SliceRun = { signal: either, onBeat }
    const lane = async (name: string, slice: (lane: string) => Promise<SliceResult>): Promise<void> => {
      try {
        await sliceBySlice({ name, slice: () => slice(name) }, options, either)
      } catch (error) {
        ending.abort(error)
        throw error
      }
    }
    const lists = (): Promise<void>[] =>
      Array.from({ length: start.enumerateLanes }, (_, i) =>
        lane(`enumerate-${i}`, (lane) => engine.enumerate({ ...input, lane, width: 1 }, run)),
      )
    const writes = (): Promise<void>[] =>
      start.transferLanes.map((width, i) =>
        lane(`transfer-${i}`, (lane) => engine.transfer({ ...input, lane, width }, run)),
      )
    let planned = false
    /** Whether it may go on. */
    const approved = async (): Promise<boolean> => {
      if (planned) return true
      planned = true
      const { approval } = await engine.planRemovals(ref)
      return approval === undefined || ((await options.approve?.(approval)) ?? false)
    }
    const waits: EndedBy = { kind: 'cancelled', why: 'nobody approved' }
    if (start.looksFirst) {
      await all(lists())
      await options.afterListing?.()
      if (!(await approved())) return waits
      await all(writes())
    } else if (options.afterListing) {
      await all(lists())
      await options.afterListing()
      await all(writes())
    } else await all([...lists(), ...writes()])
    await options.beforeFinishing?.()
    if (start.removes) {
      if (!(await approved())) return waits
      await lane('remove', (lane) => engine.remove({ ...input, lane, width: 1 }, run))
    }
    await lane('finalize', (lane) => engine.finalize({ ...input, lane, width: 1 }, run))
    return { kind: 'done' }
  } catch (error) {
    if (error instanceof Abandoned) throw error
    if (signal.aborted) return { kind: 'cancelled', why: 'asked to' }
    if (error instanceof HaltedByItem) return { kind: 'halted', why: error.message }
    if (error instanceof FailedToStart) return { kind: 'failed_to_start', why: error.message }
    return { kind: 'broken', why: error instanceof Error ? error.message : String(error) }
  }
}

/** The first error, but only when every lane has ended. */
async function all(lanes: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(lanes)
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  const telling = errors.find((error) =>
    [Abandoned, HaltedByItem, ConnectionTrouble].some((kind) => error instanceof kind),
  )
  if (errors.length > 0) throw telling ?? errors[0]
}

async function sliceBySlice(
  { name, slice }: { name: string; slice: () => Promise<SliceResult> },
  { outagesSurvived = 0, onSlice }: PlayOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let waits = 0, outages = 0; ;) {
    try {
      const result = await slice()
      onSlice?.(result, name)
      const { state } = result
      if (state === 'finished') return
      if (state === 'paused') await sleep(20, undefined, { signal })
      waits = 0
    } catch (error) {
      if (error instanceof ConnectionTrouble && outages < outagesSurvived) {
        outages += 1
        await sleep(Math.min(error.retryAfterMs ?? 200, 200))
        continue
      }
      if (!(error instanceof ItemsWaiting) || waits > 20) throw error
      waits += 1
      await sleep(Math.min(error.retryAfterMs, 500))
    }
  }
}
