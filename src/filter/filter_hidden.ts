import type { CompiledRule } from './rule.ts'

/** Items hidden on their platform. */
export function filterHidden(): CompiledRule {
  return { type: 'filter_hidden', text: 'hidden', matches: (item) => item.hidden === true }
}
