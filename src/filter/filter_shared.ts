import type { CompiledRule } from './rule.ts'

/** Items in somebody's place that belong to somebody else, folders too. */
export function filterShared(): CompiledRule {
  return { type: 'filter_shared', text: 'shared', matches: (item) => item.shared === true }
}
