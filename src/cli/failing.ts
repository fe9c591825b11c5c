import type { Catalog, ItemRequest } from '../catalog/catalog.ts'
import type { ItemState } from '../ledger/item_state.ts'
import type { LedgerReader } from '../ledger/sqlite/reader.ts'
import type { LedgerItem } from '../ledger/sqlite/reader_types.ts'
import { failing } from '../open_home/ask_of_items.ts'
import { count, counted, printable } from '../report/format.ts'
import { sayReason } from '../report/say_reason.ts'
import { whatToDo } from '../report/what_to_do.ts'

/** An item that failed, as people are told of it. */
export interface FailedItem {
  path: string
  status: ItemState
  reason: string
  message: string
  remedy: string | undefined
  /** What a person has asked for already. */
  request: ItemRequest | undefined
}

export interface Failed {
  total: number
  items: FailedItem[]
}

const named = 20

/** The first of those that failed, and how many there are. */
export async function failedItems(ledger: LedgerReader | undefined, jobId: string, catalog: Catalog): Promise<Failed> {
  if (!ledger) return { total: 0, items: [] }
  const { rows, total } = ledger.items({ status: failing, offset: 0, limit: named })
  const requests = await catalog.requests.of(jobId)
  return { total, items: rows.map((row) => failedItem(row, { ledger, requests })) }
}

export function failedItem(
  item: LedgerItem,
  { ledger, requests }: { ledger: LedgerReader; requests: ReadonlyMap<number, ItemRequest> },
): FailedItem {
  const { state: status, reason } = item
  return {
    path: `/${(ledger.path(item.item)?.sourceNames ?? []).join('/')}`,
    status,
    reason,
    message: item.why ?? sayReason(reason, item.toSource),
    remedy: failing.includes(status) ? whatToDo(reason) : undefined,
    request: requests.get(item.item),
  }
}

export function failedLine({ path, status, reason, message, request }: FailedItem): string {
  const next = request === undefined ? '' : ` (${sayRequest[request]})`
  return `${printable(path)}: ${word(status)}, ${reason}: ${printable(message)}${next}`
}

const sayRequest: Record<ItemRequest, string> = {
  retry: 'tried again by the next run',
  ignore: 'left out from the next run on',
}

/** The wire's `remediation` is what people call flagged. */
function word(status: ItemState): string {
  return status === 'remediation' ? 'flagged' : status
}

/**
 * For people: each path with its reason, then what can be done about each reason, and the commands.
 *
 * @param typed a command about the job, as somebody would type it
 */
export function failedText({ total, items }: Failed, typed: (command: string, ...args: string[]) => string): string[] {
  if (total === 0) return []
  const more = total - items.length
  return [
    `${counted(total, 'item')} failed:`,
    ...items.map((item) => `  ${failedLine(item)}`),
    ...(more > 0 ? [`  … and ${count(more)} more: ${typed('job items')}`] : []),
    ...whatToDoText(items, typed),
  ]
}

export function whatToDoText(
  items: readonly FailedItem[],
  typed: (command: string, ...args: string[]) => string,
): string[] {
  const remedies = new Map<string, string>()
  for (const { reason, remedy } of items) if (remedy !== undefined) remedies.set(reason, remedy)
  return [
    'What can be done:',
    ...[...remedies].map(([reason, remedy]) => `  ${reason}: ${remedy}.`),
    `  Try again what is flagged: ${typed('job retry')}; a run that you start does so by itself for what can be mended outside.`,
    `  Leave out for good: ${typed('job ignore', '<path>')}`,
  ]
}
