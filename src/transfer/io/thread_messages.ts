import type { MessagePort } from 'node:worker_threads'
import type { WaitingItems } from '../../ledger/ledger.ts'
import type { ExecutionSpec } from '../engine/execution_spec.ts'
import type { Side } from '../engine/trouble.ts'

/** How a thread comes to the ledger: through its owner, and to what it only reads by itself. */
export interface LedgerAccess {
  port: MessagePort
  file: string
}

/** What the engine tells an I/O thread. */
export type ToThread =
  | { type: 'open'; job: string; spec: ExecutionSpec; ledger: LedgerAccess; stopFlag: SharedArrayBuffer }
  | { type: 'run'; id: number; job: string; task: Task; slot: SharedArrayBuffer }
  | { type: 'forget'; job: string }
  | { type: 'exit' }

export interface Task {
  phase: 'enumerate' | 'transfer' | 'remove' | 'finalize'
  holder: string
  untilMs: number
  /** Operations under way at once; more than one where platforms answer with promises. */
  width: number
}

/** What an I/O thread tells the engine. */
export type FromThread =
  { type: 'ready' } | { type: 'at'; id: number; inHand: string } | { type: 'ended'; id: number; end: TaskEnd }

export type TaskEnd =
  | { state: 'more' | 'finished' | 'paused'; failed: number }
  | { state: 'waiting'; failed: number; items: WaitingItems }
  /** Without a reason when another thread's item was the first to fail. */
  | { state: 'halted'; why?: string }
  | { state: 'trouble'; side: Side; code: string; why: string; retryAfterMs?: number }
  /** `name` is the error's. */
  | { state: 'broken'; name?: string; why: string; stack?: string }

export const jobKey = (jobId: string, execution: number): string => `${jobId}/${execution}`
