import type { CompiledRule } from './rule.ts'

/** Items the running account may use but does not own; a folder counts when the account is not its owner. */
export function filterShared(): CompiledRule {
  return { type: 'filter_shared', text: 'shared', matches: (item) => item.shared === true }
}
