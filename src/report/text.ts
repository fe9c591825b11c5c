import { bytes, count, counted, duration, printable, table } from './format.ts'
import { endedEarly, type Summary } from './summary.ts'

interface TextOptions {
  /** Terminal colours. */
  colour?: boolean
  /** How to ask about one item; shown when something was skipped, flagged or failed. */
  explain?: string
}

const statusWords: Record<Summary['status'], string> = {
  running: 'is running',
  failing: 'is running, with failures',
  failed: 'ended early',
  completed: 'completed',
  cancelled: 'was cancelled',
  failed_to_start: 'failed to start',
  warn: 'completed, with something to look at',
  no_changes: 'changed nothing',
}

/** The summary of an execution as lines for a terminal or a log. */
export function summaryText(summary: Summary, { colour = false, explain }: TextOptions = {}): string {
  const paint = colour ? painted : plain
  const lines = [paint.bold(headline(summary))]
  if (summary.sentence !== '') lines.push(printable(summary.sentence))
  if (summary.status !== 'failed_to_start') lines.push('', ...counts(summary, paint))
  if (!summary.balanced)
    lines.push('', paint.bad('The counts above do not add up. That is a fault of Stevedore: please report it.'))
  if (summary.altered.length > 0)
    lines.push(
      '',
      summary.simulated ? 'Would arrive altered:' : 'Arrived altered:',
      ...dashes(summary.altered.map(({ meaning }) => meaning)),
    )
  if (summary.inert.length > 0)
    lines.push('', 'Settings that were accepted and change nothing here:', ...dashes(summary.inert.map(inertLine)))
  if (summary.warnings.length > 0) lines.push('', 'Worth knowing:', ...dashes(summary.warnings))
  if (explain !== undefined && needsLook(summary)) lines.push('', `Everything known about one item: ${explain}`)
  return `${lines.join('\n')}\n`
}

/** Something failed, or is left to a person. */
export function hasFailures(summary: Summary): boolean {
  return summary.by_status.some(({ status, items }) => (status === 'remediation' || status === 'retry') && items > 0)
}

function headline(summary: Summary): string {
  const { job, execution, simulated, seconds } = summary
  const how = howItWent(summary)
  const run = `${simulated ? 'Simulated run' : 'Run'} ${execution} of ${JSON.stringify(printable(job.name))}`
  return `${run} ${how}${seconds === null ? '' : ` in ${duration(seconds * 1000)}`}`
}

function howItWent(summary: Summary): string {
  const { status, sentence } = summary
  if (status === 'failed' && !endedEarly(summary)) return 'went to its end, with failures,'
  if (status !== 'no_changes') return statusWords[status]
  if (sentence.startsWith('nothing to do')) return 'found nothing to do'
  return summary.simulated ? 'would change nothing' : statusWords[status]
}

function counts(summary: Summary, paint: Paint): string[] {
  const { items, containers, bytes: size } = summary.found
  const rows = [
    [
      'found',
      count(items),
      bytes(BigInt(size)),
      `${counted(items - containers, 'file')} and ${counted(containers, 'folder')}${notLookedInto(summary)}`,
    ],
  ]
  for (const sum of summary.by_status) {
    rows.push([`  ${word(sum.status)}`, count(sum.items), bytes(BigInt(sum.bytes)), sum.meaning])
    for (const reason of sum.reasons)
      rows.push([`    ${reason.reason}`, count(reason.items), bytes(BigInt(reason.bytes)), reason.meaning])
  }
  const { gone } = summary
  if (gone.items > 0)
    rows.push([
      'gone',
      count(gone.items),
      bytes(BigInt(gone.bytes)),
      'no longer at the source; the destination keeps them',
    ])
  return table(rows, [1, 2]).map((line) => {
    if (/^ {2}(flagged|retry) +0 /.test(line)) return line
    if (/^ {2}(flagged|retry)/.test(line)) return paint.bad(line)
    return line.startsWith('    ') ? paint.faint(line) : line
  })
}

function notLookedInto({ not_looked_into: n }: Summary): string {
  return n === 0 ? '' : `; the content of ${counted(n, 'folder')} was not looked at`
}

/** The wire's `remediation` is what people call flagged. */
function word(status: Summary['by_status'][number]['status']): string {
  return status === 'remediation' ? 'flagged' : status
}

function needsLook(summary: Summary): boolean {
  return hasFailures(summary) || summary.by_status.some(({ status, items }) => status === 'skipped' && items > 0)
}

function inertLine({ path, why }: Summary['inert'][number]): string {
  return `${path}: ${why}`
}

function dashes(lines: readonly string[]): string[] {
  return lines.map((line) => `  - ${printable(line)}`)
}

interface Paint {
  bold(text: string): string
  bad(text: string): string
  faint(text: string): string
}

const plain: Paint = { bold: (text) => text, bad: (text) => text, faint: (text) => text }
const painted: Paint = {
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  bad: (text) => `\x1b[33m${text}\x1b[39m`,
  faint: (text) => `\x1b[2m${text}\x1b[22m`,
}
