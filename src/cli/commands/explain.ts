import { auditView, itemView } from '../../api/item_view.ts'
import { toJson } from '../../json/json.ts'
import { rootItem } from '../../ledger/ledger.ts'
import type { LedgerReader } from '../../ledger/sqlite/reader.ts'
import type { Explanation } from '../../ledger/sqlite/reader_types.ts'
import { ledgerKind } from '../../open_home/ledger_views.ts'
import { Unacceptable } from '../../problem.ts'
import { printable } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import { explanation, isNotLookedInto, pathOf } from '../explanation.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { withHome } from '../with_home.ts'

/** `stevedore explain <job> <path>`: everything the ledger knows of one item. */
export async function explain(name: string, path: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog, parts.terminal)
    const ledger = ledgers.open(job.id, await ledgerKind(job, catalog))
    if (!ledger) throw unknown(`${JSON.stringify(job.name)} has not run yet`)
    const asked = itemAt(path, { job: job.name, ledger })
    const { item, below } = asked
    if (options.json === true) {
      const { absent, container } = item
      const audit = item.audit.map((entry) => auditView(job.id, entry, ledger))
      const notLookedAt = below ? { not_looked_at: path } : {}
      parts.terminal.out(toJson({ ...notLookedAt, ...itemView(item, item), absent, container, audit }, 2))
    } else for (const line of answer(path, asked)) parts.terminal.out(line)
    return ExitCode.done
  })
}

interface Asked {
  item: Explanation
  /** What was asked for lies in it, and was not looked at. */
  below: boolean
}

/** @throws Unacceptable for a path that leads nowhere */
export function itemAt(path: string, { job, ledger }: { job: string; ledger: LedgerReader }): Asked {
  const found = ledger.find(path.split('/').filter((part) => part !== '' && part !== '.'))
  if ('several' in found)
    throw unknown(
      `${JSON.stringify(path)} may be any of: ${found.several.map((name) => JSON.stringify(name)).join(', ')}`,
    )
  const below = 'below' in found
  const item = ledger.explain(below ? found.below : found.item)!
  if (!below || isNotLookedInto(item)) return { item, below }
  const known = item.item === rootItem ? '' : `; ${JSON.stringify(pathOf(item))} was, and ${lacks(item, found.missing)}`
  throw unknown(
    `${JSON.stringify(path)} was never seen by ${JSON.stringify(job)}${known}; paths begin at the folders of the job`,
  )
}

function lacks({ kind }: Explanation, name: string): string {
  return kind === 'container' ? `had nothing of the name ${JSON.stringify(name)}` : 'is no folder'
}

/** Lines for a person, who may have asked for something that was not looked at. */
export function answer(path: string, { item, below }: Asked): string[] {
  return below ? [notLookedAt(path, item), ...explanation(item)] : explanation(item)
}

function notLookedAt(path: string, folder: Explanation): string {
  const why = folder.state === 'skipped' ? 'was left out with all that is in it' : 'could not be looked into'
  return printable(`${path}: not looked at. It lies in ${pathOf(folder)}, which ${why}:`)
}

function unknown(description: string): Unacceptable {
  return new Unacceptable([{ code: 'unknown_item', description }])
}
