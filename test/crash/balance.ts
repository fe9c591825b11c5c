import type { ExecutionState } from '../../scripts/rig/rest.ts'

/** Everything found is accounted for once, and nothing is left undone, failed or flagged. @returns what is not so */
export function whatWentWrong({ status, sentence, stats }: ExecutionState): string[] {
  if (stats === null) return [`ended as ${status} without counts: ${sentence}`]
  const problems: string[] = []
  if (status !== 'completed') problems.push(`ended as ${status}: ${sentence}`)
  const counted = Object.entries(stats.by_status).map(([name, { items }]) => [name, items] as const)
  const all = counted.reduce((sum, [, items]) => sum + items, 0)
  const found = stats.source.existing.files + stats.source.existing.folders
  if (all !== found)
    problems.push(`${found} found, ${all} accounted for: ${JSON.stringify(Object.fromEntries(counted))}`)
  for (const [name, items] of counted)
    if (items > 0 && name !== 'success' && name !== 'processed') problems.push(`${items} are ${name}`)
  return problems
}
