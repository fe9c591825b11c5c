import type { ItemRequest } from '../../catalog/catalog.ts'
import { toJson } from '../../json/json.ts'
import { askOfItems, failing } from '../../open_home/ask_of_items.ts'
import { Unacceptable } from '../../problem.ts'
import { counted, printable } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import { failedItem, failedLine } from '../failing.ts'
import { filterOf, neverRan, type ItemOptions } from '../item_options.ts'
import type { CliParts } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { WantedPaths } from '../wanted_paths.ts'
import { withHome } from '../with_home.ts'

export interface RequestOptions extends ItemOptions {
  /** Leaves out everything that failed, without saying what. */
  all?: boolean
}

/** `stevedore job retry|ignore <job> [path …]`: for the next run, whoever starts it; a folder stands for what failed in it. */
export async function askForItems(
  request: ItemRequest,
  { name, paths }: { name: string; paths: readonly string[] },
  options: RequestOptions,
  parts: CliParts,
): Promise<ExitCode> {
  const filter = filterOf(options)
  if (request === 'ignore' && paths.length === 0 && Object.keys(filter).length === 0 && options.all !== true)
    throw new Unacceptable([
      { code: 'missing', description: 'ignore takes paths, --reason, --status or --search; or --all that failed' },
    ])
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog)
    const ledger = ledgers.open(job.id, 'real')
    if (!ledger) throw neverRan(job.name)
    const wanted = new WantedPaths(paths, { withAbove: request === 'retry' })
    // What somebody names may have been left out before.
    if (paths.length > 0) filter.status ??= [...failing, 'skipped']
    const asked = await askOfItems(
      { catalog, ledger, jobId: job.id },
      request,
      filter,
      (item) => paths.length === 0 || wanted.take(ledger.path(item.item)?.sourceNames ?? []),
    )
    const missing = wanted.missing()
    if (asked.length === 0 && missing.length > 0) throw new Unacceptable(missing)
    const requests = await catalog.requests.of(job.id)
    const { out, err } = parts.terminal
    for (const item of asked) {
      const failed = failedItem(item, { ledger, requests })
      if (options.json === true) out(toJson(failed))
      else if (paths.length > 0) out(failedLine(failed))
    }
    for (const { description } of missing) err(`warning: ${description}`)
    if (options.json !== true) out(`${printable(job.name)}: ${sayAsked(request, asked.length)}`)
    return missing.length > 0 ? ExitCode.withFailures : ExitCode.done
  })
}

function sayAsked(request: ItemRequest, items: number): string {
  if (items === 0) return 'nothing failed that fits'
  const what = request === 'retry' ? 'tried again by the next run' : 'left out from the next run on'
  return `${counted(items, 'item')} ${items === 1 ? 'is' : 'are'} ${what}`
}
