import type { Session } from '../../connector/connector.ts'
import { marks, matchesNothing } from '../../job/carried_out.ts'
import type { FilterRule, Settings } from '../../job/settings.ts'

/** What was asked for and can't be said between these two sides; each a sentence for the report. */
export function cannotBeExpressed(settings: Settings, source: Session, destination: Session): string[] {
  const gaps: string[] = []
  const from = source.capabilities
  const to = destination.capabilities
  if (settings.timestamps && to.times.modified !== 'readwrite')
    gaps.push('timestamps: the destination assigns its own times')
  if (settings.timestamps && from.times.created !== 'none' && to.times.created !== 'readwrite') {
    gaps.push('timestamps: the created time cannot be set at the destination; the modified time is kept')
  }
  if (settings.preserveOwners) {
    if (from.owners.owner === 'none') gaps.push('preserve_owners: the source states no owners')
    else if (to.owners.owner !== 'readwrite') gaps.push('preserve_owners: owners cannot be set at the destination')
  }
  if (settings.permissions.policy !== 'none') {
    if (from.permissions.mode === 'none') gaps.push('permissions.policy: the source states no permissions')
    else if (to.permissions.mode !== 'readwrite')
      gaps.push('permissions.policy: permissions cannot be set at the destination')
  }
  for (const mark of marks)
    if (!from.marks[mark] && asks(mark, settings))
      gaps.push(`transfer.filter.source: ${matchesNothing(mark)}${mark === 'shared' ? unlessWhose(source) : ''}`)
  if (from.metadata.user !== 'none') gaps.push('extended attributes of files are not carried; they stay at the source')
  for (const { capability, why } of source.notes)
    if (capability !== 'shared' || asks('shared', settings)) gaps.push(`source, ${capability}: ${why}`)
  for (const { capability, why } of destination.notes)
    if (capability !== 'shared') gaps.push(`destination, ${capability}: ${why}`)
  return gaps
}

/** Where items have owners, others' are shared. */
function unlessWhose({ capabilities }: Session): string {
  if (capabilities.owners.owner === 'none') return ''
  return ', as nobody says whose place it is (account of the connection, or impersonate_as)'
}

/**
 * Of them those that no earlier execution told of: what holds for each execution alike would hide what this one met.
 *
 * @returns also what to remember, for this execution begun again and for those after it
 */
export function newGaps(
  gaps: readonly string[],
  told: string | undefined,
  execution: number,
): { gaps: string[]; told: string } {
  const by = JSON.parse(told ?? '{}') as { [gap: string]: number }
  const fresh = gaps.filter((gap) => (by[gap] ??= execution) === execution)
  return { gaps: fresh, told: JSON.stringify(by) }
}

/** Whether a filter that judges what is at the source asks for a mark. */
function asks(mark: (typeof marks)[number], { filter }: Settings): boolean {
  return filter.source.some(({ rules }) => rules.some((rule) => asksFor(mark, rule)))
}

function asksFor(mark: (typeof marks)[number], rule: FilterRule): boolean {
  return rule.type === 'filter_rule' ? rule.rules.some((inner) => asksFor(mark, inner)) : rule.type === `filter_${mark}`
}
