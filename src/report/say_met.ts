import type { Balance, Findings, Met } from '../ledger/ledger.ts'
import { hardLink, holesFilled, longPath, ruleMatched } from '../policy/met.ts'
import { bytes, counted } from './format.ts'

const sentences: Record<string, (met: Met) => string> = {
  [hardLink]: ({ items, bytes: cost }) =>
    `${counted(items, 'name')} of files that have several (hard links): each becomes a file of its own, which takes up to ${bytes(cost)} more than at the source`,
  [holesFilled]: ({ items, bytes: size }) =>
    `${counted(items, 'sparse file')}: the destination has no holes, so that they take their full ${bytes(size)} there`,
  [longPath]: ({ items }) =>
    `${counted(items, 'path')} at the destination longer than 260 characters, which many programs on Windows cannot open`,
}

/** What an execution met, each in a sentence. */
export function sayMet(balance: Balance | undefined): string[] {
  return (balance?.findings?.met ?? []).flatMap((met) => sentences[met.what]?.(met) ?? [])
}

/**
 * Rules of filters that matched nothing. Known only of an execution that looked at everything.
 *
 * @param rules their names, in the order of their numbers
 */
export function idleRules({ findings, found }: Balance, rules: readonly string[]): string[] {
  if (!findings || found.items === 0 || findings.unlisted > 0) return []
  const matched = thatMatched(findings, rules)
  return rules.filter((name) => !matched.includes(name)).map((name) => `${name} matched nothing in this run`)
}

/** The rule by which items were left out, where that is certain: it is alone, or the only one to exclude anything. */
export function onlyRule(
  { findings }: Balance,
  filters: readonly { action: 'include' | 'exclude' }[],
  rules: readonly string[],
): string | undefined {
  const matched = findings ? thatMatched(findings, rules) : []
  const meant = filters.every(({ action }) => action === 'exclude') ? matched : rules
  return meant.length === 1 ? meant[0] : undefined
}

function thatMatched({ met }: Findings, rules: readonly string[]): string[] {
  const whats = new Set(met.map(({ what }) => what))
  return rules.filter((_, index) => whats.has(ruleMatched(index + 1)))
}
