import { auditView, itemView } from '../../api/item_view.ts'
import type { Facts } from '../../connector/item.ts'
import { toJson } from '../../json/json.ts'
import { rootItem } from '../../ledger/ledger.ts'
import type { Explanation } from '../../ledger/sqlite/reader_types.ts'
import { ledgerKind } from '../../open_home/ledger_views.ts'
import { Unacceptable } from '../../problem.ts'
import { bytes, counted, printable } from '../../report/format.ts'
import { sayReason } from '../../report/say_reason.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { withHome } from '../with_home.ts'

/** `stevedore explain <job> <path>`: everything the ledger knows of one item. */
export async function explain(name: string, path: string, options: CommonOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async ({ catalog, ledgers }) => {
    const job = await theJob(name, catalog, parts.terminal)
    const ledger = ledgers.open(job.id, await ledgerKind(job, catalog))
    if (!ledger) throw unknown(`${JSON.stringify(job.name)} has not run yet`)
    const names = path.split('/').filter((part) => part !== '' && part !== '.')
    const found = ledger.explain(names)
    if (!found)
      throw unknown(
        `${JSON.stringify(path)} was never seen by ${JSON.stringify(job.name)}; paths begin at the folders of the job`,
      )
    if (options.json === true) {
      const { absent, container } = found
      const audit = found.audit.map((entry) => auditView(job.id, entry, ledger))
      parts.terminal.out(toJson({ ...itemView(found, found), absent, container, audit }, 2))
    } else for (const line of explanation(found)) parts.terminal.out(line)
    return ExitCode.done
  })
}

const decided: Record<Explanation['action'], string> = {
  none: 'nothing to do',
  create: 'create it at the destination',
  overwrite: 'replace the destination’s',
  adopt: 'take the destination’s as the same, and write nothing',
  attributes: 'set times, owner or permissions, and leave the content',
  reread: 'read the content to see whether it changed',
  skip: 'leave it out',
  fail: 'not possible as things are',
}

const states: Record<Explanation['state'], string> = {
  none: 'looked at only',
  success: 'done: it arrived as it is',
  processed: 'done: it arrived altered',
  skipped: 'left out on purpose',
  retry: 'failed; the next run tries again',
  remediation: 'flagged: it needs a person',
  pending: 'not done yet',
}

/** Lines for a person, from what was seen to what was done. */
export function explanation(item: Explanation): string[] {
  if (item.item === rootItem) return explainRoot(item)
  const why = item.why === undefined ? [] : [line('', item.why)]
  return [
    `${printable(`/${item.sourceNames.join('/')}`)}${item.kind === 'container' ? '/' : ''}`,
    line('source', item.absent ? 'no longer there' : seen(item.source, item.kind)),
    line('destination', destinationOf(item)),
    line('decided', item.gone ? 'nothing more to do' : `${decided[item.action]} (execution ${item.execution})`),
    line('why', `${sayReason(item.reason)} [${item.reason}]`),
    ...why,
    ...(item.keepAs === undefined ? [] : [line('kept', `the destination’s own version as ${printable(item.keepAs)}`)]),
    ...(item.processing.length === 0 ? [] : [line('altered', item.processing.join(', '))]),
    line('state', states[item.state]),
    ...attempts(item),
    ...(item.hash === undefined ? [] : [line('SHA-256', item.hash)]),
    ...history(item),
  ]
}

function explainRoot(item: Explanation): string[] {
  return [
    '/',
    line('source', seen(item.source, item.kind)),
    line('destination', item.destination ? seen(item.destination, item.kind) : 'not made yet'),
    line('decided', 'nothing: this is where the job begins'),
    ...history(item),
  ]
}

function destinationOf(item: Explanation): string {
  const at = printable(`/${item.destinationNames.join('/')}`)
  // Facts from before are of another kind than the source's item is now, or there are none: what stands there is not ours.
  if (item.reason === 'kind_differs') return `${at}, where something of another kind is`
  // Nobody looks at the destination to explain it.
  if (item.destination) {
    const when = item.action === 'adopt' ? 'found' : 'written'
    return `${at}, ${seen(item.destination, item.kind)}, as it was ${when}`
  }
  if (item.container?.ready === true) return at
  return item.state === 'success' || item.state === 'processed' ? at : `nothing yet; it would be ${at}`
}

function seen(facts: Facts, kind: Explanation['kind']): string {
  const parts = [
    kind === 'container'
      ? 'a folder'
      : kind === 'item'
        ? `${bytes(facts.sizeBytes)} (${facts.sizeBytes} bytes)`
        : `a ${kind}`,
  ]
  if (facts.modifiedNs !== undefined) parts.push(`modified ${moment(facts.modifiedNs)}`)
  if (facts.version !== undefined) parts.push(`version ${facts.version}`)
  return parts.join(', ')
}

function attempts({ tries, strikes, notBeforeMs, partialBytes }: Explanation): string[] {
  const lines: string[] = []
  if (tries > 0 || strikes > 0)
    lines.push(
      line(
        'attempts',
        `${counted(tries, 'failed try', 'failed tries')} in its last run, given up in ${counted(strikes, 'run')}`,
      ),
    )
  if (notBeforeMs !== undefined) lines.push(line('', `next try not before ${new Date(notBeforeMs).toISOString()}`))
  if (partialBytes !== undefined && partialBytes > 0n)
    lines.push(line('', `${bytes(partialBytes)} of it are there already and will be gone on with`))
  return lines
}

function history({ audit }: Explanation): string[] {
  if (audit.length === 0) return []
  return [
    'what happened',
    ...audit.map((entry) => {
      const message = entry.message === undefined ? '' : `: ${printable(entry.message)}`
      return `  ${new Date(entry.recordedMs).toISOString()}  execution ${entry.execution}  ${entry.type}${message}`
    }),
  ]
}

function line(what: string, text: string): string {
  return `  ${what.padEnd(12)} ${printable(text)}`
}

/** Before 1970 and far ahead too, where a Date reaches. */
function moment(ns: bigint): string {
  const ms = Number(ns / 1_000_000n) - (ns < 0n && ns % 1_000_000n !== 0n ? 1 : 0)
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ns} ns after 1970` : date.toISOString()
}

function unknown(description: string): Unacceptable {
  return new Unacceptable([{ code: 'unknown_item', description }])
}
