/** What an execution counts although no status or reason tells of it: the names under which a ledger keeps it. */
export const hardLink = 'hard_link'
export const holesFilled = 'holes_filled'
export const longPath = 'long_path'

/** @param number of the rule among all of the source's filters, from 1 */
export function ruleMatched(number: number): string {
  return `filter_rule:${number}`
}
