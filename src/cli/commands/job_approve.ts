import { Refused } from '../../client/refused.ts'
import { toJson, wireNumber } from '../../json/json.ts'
import type { ShownPlan } from '../../ledger/sqlite/planned_removals.ts'
import type { OpenHome } from '../../open_home/open_home.ts'
import { plannedRemovals } from '../../open_home/planned_removals.ts'
import { bytes, count, counted, printable, table } from '../../report/format.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { theJob } from '../the_job.ts'
import { typed } from '../typed.ts'
import { withHome } from '../with_home.ts'

interface ApproveOptions extends CommonOptions {
  /** The hash of the plan that may be carried out. */
  plan?: string
}

/** `stevedore job approve <job>`: shows what waits for a person's yes; with `--plan` it is let go. */
export async function approveRemovals(name: string, options: ApproveOptions, parts: CliParts): Promise<ExitCode> {
  return withHome(options, parts, async (home) => {
    const job = await theJob(name, home.catalog, parts.terminal)
    const plan = await plannedRemovals(job, home)
    if (plan === undefined) throw new Refused(`nothing of ${JSON.stringify(job.name)} waits for an approval`)
    if (options.plan !== undefined) return approve({ id: job.id, hash: options.plan }, home, options, parts)
    const { out } = parts.terminal
    if (options.json === true) {
      out(toJson({ job: job.id, ...plan, bytes: wireNumber(plan.bytes) }, 2))
      return ExitCode.done
    }
    for (const line of shown(plan)) out(line)
    out(`\nTo let it go: ${typed(parts, options, ['job approve', job.name, '--plan', plan.hash])}`)
    return ExitCode.done
  })
}

async function approve(
  { id, hash }: { id: string; hash: string },
  home: OpenHome,
  options: ApproveOptions,
  parts: CliParts,
): Promise<ExitCode> {
  const served = await parts.serve(home, { worker: false, say: (line) => parts.terminal.err(line) })
  try {
    const { sentence } = await served.commands.approve(id, hash)
    parts.terminal.out(options.json === true ? toJson({ job: id, plan: hash, sentence }) : sentence)
    return ExitCode.done
  } finally {
    await served.close()
  }
}

function shown({ items, containers, bytes: size, replaced, hash, folders, examples }: ShownPlan): string[] {
  const sides = new Set(examples.map(({ side }) => side))
  return [
    `Plan ${hash}: ${counted(items, 'item')} to be removed, ${counted(containers, 'folder')} among them, ${bytes(size)}`,
    ...(replaced > 0 ? [`${count(replaced)} to be overwritten that somebody else wrote`] : []),
    '',
    ...table(folders.map(({ path, items: n }) => [count(n), printable(path)])),
    '',
    examples.length < items ? `The first ${count(examples.length)}:` : 'All of them:',
    ...examples.map(({ path, kind, side }) => {
      const where = sides.size > 1 || side === 'source' ? `, at the ${side}` : ''
      return `  ${printable(path)}${kind === 'container' ? '/' : ''}${where}`
    }),
  ]
}
