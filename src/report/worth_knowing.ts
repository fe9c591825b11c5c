import type { Balance, Met } from '../ledger/ledger.ts'
import { hardLink, holesFilled, longPath } from '../policy/worth_knowing.ts'
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
