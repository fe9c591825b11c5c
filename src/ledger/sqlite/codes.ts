import type { ItemKind } from '../../connector/item.ts'
import type { AuditLevel } from '../../job/settings.ts'
import type { Action } from '../../policy/decision.ts'
import type { ItemState } from '../item_state.ts'

/** Small numbers in the file for words in the code. Part of the format: never renumber. */
export const State = {
  none: 0,
  success: 1,
  processed: 2,
  retry: 3,
  remediation: 4,
  skipped: 5,
  pending: 6,
  lazy: 7,
} as const

const states = ['none', 'success', 'processed', 'retry', 'remediation', 'skipped', 'pending', 'pending'] as const

export const allStates: readonly ItemState[] = [
  'success',
  'processed',
  'skipped',
  'remediation',
  'retry',
  'pending',
  'none',
]

/** A container that is made only when something arrives in it (`lazy`) is pending to everybody outside. */
export function stateOf(code: number): ItemState {
  return states[code] ?? 'none'
}

export function stateCode(state: ItemState): number {
  return State[state]
}

export const kinds: readonly ItemKind[] = ['item', 'container', 'link', 'special']
const kindCodes = codesOf(kinds)
export const Container = 1

export function kindOf(code: number): ItemKind {
  return kinds[code] ?? 'special'
}

export function kindCode(kind: ItemKind): number {
  return kindCodes[kind]
}

const actions: readonly Action[] = ['none', 'create', 'overwrite', 'adopt', 'attributes', 'reread', 'skip', 'fail']
const actionCodes = codesOf(actions)

export function actionOf(code: number): Action {
  return actions[code] ?? 'none'
}

export function actionCode(action: Action): number {
  return actionCodes[action]
}

const levels: readonly AuditLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'none']
const levelCodes = codesOf(levels)

export function levelOf(code: number): AuditLevel {
  return levels[code] ?? 'none'
}

/** Ordered: what is below an execution's level is not recorded, and nothing reaches `none`. */
export function levelCode(level: AuditLevel): number {
  return levelCodes[level]
}

function codesOf<T extends string>(words: readonly T[]): Record<T, number> {
  return Object.fromEntries(words.map((word, code) => [word, code])) as Record<T, number>
}
