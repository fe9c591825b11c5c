import { toJson } from '../../json/json.ts'
import { everyItem, failing } from '../../open_home/ask_of_items.ts'
import { ledgerKind } from '../../open_home/ledger_views.ts'
import { ExitCode } from '../exit_code.ts'
import { failedItem, failedLine, whatToDoText, type FailedItem } from '../failing.ts'
import { filterOf, neverRan, type ItemOptions } from '../item_options.ts'
import type { CliParts } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { withHome } from '../with_home.ts'

/** `stevedore job items <job>`: those that failed, or those in other states. */
export async function listItems(name: string, options: ItemOptions, parts: CliParts): Promise<ExitCode> {
  const filter = { status: failing, ...filterOf(options) }
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog)
    const ledger = ledgers.open(job.id, await ledgerKind(job, catalog))
    if (!ledger) throw neverRan(job.name)
    const requests = await catalog.requests.of(job.id)
    const { out, err } = parts.terminal
    // One of each reason is enough to say what can be done about it.
    const failed = new Map<string, FailedItem>()
    let shown = 0
    for (const row of everyItem(ledger, filter)) {
      const item = failedItem(row, { ledger, requests })
      if (failing.includes(item.status)) failed.set(item.reason, item)
      out(options.json === true ? toJson(item) : failedLine(item))
      shown += 1
    }
    if (options.json === true) return ExitCode.done
    if (shown === 0) err('There are none.')
    const say = (command: string, ...args: string[]): string => typed(parts, options, [command, job.name, ...args])
    if (failed.size > 0) for (const line of whatToDoText([...failed.values()], say)) err(line)
    return ExitCode.done
  })
}
