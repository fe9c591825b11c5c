import type { CompiledRule } from './rule.ts'

/**
 * A rule that is a group of rules: it matches when any of them does. Where its own action is the opposite of the filter's it
 * means all others: "include everything but these".
 */
export function filterRule(rules: readonly CompiledRule[], opposite: boolean): CompiledRule {
  const any = rules.map((rule) => rule.text).join(' or ')
  if (opposite) {
    return {
      type: 'filter_rule',
      text: `not (${any})`,
      // "All but" is said of items; a container is on the way to them.
      matches: (item, path) =>
        item.kind !== 'container' && !rules.some((rule) => rule.matches(item, path) || rule.coveredBy?.(path)),
    }
  }
  const group: CompiledRule = {
    type: 'filter_rule',
    text: rules.length > 1 ? `(${any})` : any,
    matches: (item, path) => rules.some((rule) => rule.matches(item, path)),
  }
  if (rules.every((rule) => rule.reaches)) group.reaches = (path) => rules.some((rule) => rule.reaches?.(path))
  if (rules.some((rule) => rule.coveredBy)) group.coveredBy = (path) => rules.some((rule) => rule.coveredBy?.(path))
  return group
}
