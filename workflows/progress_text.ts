import { bytes, count } from '../src/report/format.ts'
import type { ExecutionPhase } from '../src/job/status.ts'
import type { ExecutionOutcome, ExecutionState, JobFacts, JobState } from './messages.ts'
import { jobWorkflowId } from './names.ts'

const doing: Record<ExecutionPhase, string> = {
  pending: 'about to begin',
  initialize: 'opening source and destination',
  changes: 'looking for changes, and transferring those found already',
  executing: 'transferring; every folder has been looked at',
  finalize: 'setting times and permissions of folders',
  complete: 'counting',
}

/** The Web UI cuts off the last lines of what it shows. */
const margin = '\n\n\u00A0\n\n\u00A0'

/** Markdown for the Web UI: where an execution stands. */
export function executionDetails(
  what: string,
  { phase, paused, tally, waitingFor }: ExecutionState,
  outcome?: ExecutionOutcome,
): string {
  const lines = [`**${plain(what)}**`, '']
  if (outcome) lines.push(`**${outcome.status}**: ${plain(outcome.sentence)}`)
  else lines.push(paused ? `**paused** in phase ${phase}; \`resume\` goes on` : `**${phase}**: ${doing[phase]}`)
  if (!outcome && waitingFor !== undefined) lines.push('', `**waiting**: ${plain(waitingFor)}`)
  // What is in hand right now is in the heartbeats: see Pending Activities.
  lines.push('', `| items | ${outcome ? 'in the end' : 'so far'} |`, '| --- | ---: |')
  if (outcome) {
    lines.push(row('found', outcome.found), row('carried out', outcome.changed))
    lines.push(row('to be tried again', outcome.failed), row('flagged for a person', outcome.flagged))
    for (const { reason, items } of outcome.failures ?? []) lines.push(row(`failed: ${plain(reason)}`, items))
  } else {
    const found = phase === 'changes' ? `at least ${count(tally.found)}` : count(tally.found)
    lines.push(`| found | ${found} |`, row('transferred', tally.transferred), `| bytes | ${bytes(tally.bytes)} |`)
    lines.push(row('failed tries', tally.failed))
    lines.push('', 'Counts are of what has been reported; Pending Activities show what is in hand.')
  }
  return lines.join('\n') + margin
}

/** Markdown for the Web UI: what a job waits for or does. */
export function jobDetails(name: string, state: JobState): string {
  const { status, sentence, execution, running, counts, nextRunMs } = state
  const lines = [`**${plain(name)}**`, '', `**${status}**${sentence === '' ? '' : `: ${plain(sentence)}`}`]
  if (running) lines.push('', `Execution ${execution} is under way: see Relationships.`)
  if (nextRunMs !== undefined && !running) lines.push('', `Next run: ${new Date(nextRunMs).toISOString()}`)
  lines.push('', '| executions | with nothing to do | with failures |', '| ---: | ---: | ---: |')
  lines.push(`| ${count(counts.executions)} | ${count(counts.successes)} | ${count(counts.failures)} |`)
  return lines.join('\n') + margin
}

type Named = Pick<JobFacts, 'name' | 'source' | 'destination' | 'sourceName' | 'destinationName'>

/** `Share: Old server → New server`, by platform where a connection has no name; of one execution also its number. */
export function jobSummary({ name, source, destination, ...names }: Named, execution?: number): string {
  const which = execution === undefined ? '' : `, execution ${execution}`
  return summaryText(`${name}: ${names.sourceName ?? source} → ${names.destinationName ?? destination}${which}`)
}

/** Markdown for the Web UI: what an execution is of. The document is in the details of its job, once. */
export function executionIntro(facts: Named & Pick<JobFacts, 'simulated'>, jobId: string, execution: number): string {
  const end = (name: string | undefined, platform: string): string =>
    name === undefined ? plain(platform) : `${plain(name)} (${plain(platform)})`
  return [
    `Execution ${execution} of **${plain(facts.name)}**${facts.simulated ? ', a simulation: nothing is written' : ''}`,
    '',
    '| | |',
    '| --- | --- |',
    `| source | ${end(facts.sourceName, facts.source)} |`,
    `| destination | ${end(facts.destinationName, facts.destination)} |`,
    `| document | in the details of workflow ${jobWorkflowId(jobId)} |`,
  ].join('\n')
}

/** One line of at most 400 bytes of UTF-8, which is what Temporal takes as a summary. */
function summaryText(text: string): string {
  const encoder = new TextEncoder()
  const line = text.replace(/\s+/g, ' ').trim()
  if (encoder.encode(line).length <= 400) return line
  let short = line.slice(0, 399)
  while (encoder.encode(short).length > 397) short = short.slice(0, -1)
  return `${short.replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Names of jobs and files are no markdown. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>#|~!]/g, '\\$&')
}

function row(what: string, n: number): string {
  return `| ${what} | ${count(n)} |`
}
