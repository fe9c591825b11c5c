import { ruleTexts } from '../../filter/compile.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { ExecutionSpec } from './execution_spec.ts'

/** What an execution met, and is told of once in its summary, however many items it was: kept so that no death forgets it. */
type Met = 'closed' | `filter ${number}`

const key = (met: Met): string => `met:${met}`

export async function keepMet(ledger: Ledger, execution: number, met: Met): Promise<void> {
  await ledger.remember(key(met), String(execution))
}

/** @param lookedAtAll the listing went to its end, so that what was not met is not there */
export async function metSentences(
  ledger: Ledger,
  { execution, settings }: ExecutionSpec,
  { lookedAtAll }: { lookedAtAll: boolean },
): Promise<string[]> {
  const wasMet = async (met: Met): Promise<boolean> => (await ledger.recall(key(met))) === String(execution)
  const said: string[] = []
  if (await wasMet('closed')) said.push(closed)
  if (!lookedAtAll) return said
  for (const [n, text] of ruleTexts(settings.filter.source).entries())
    if (!(await wasMet(`filter ${n}`))) said.push(`rule ${n + 1} of the source's filter matched nothing (${text})`)
  return said
}

const closed =
  'what groups or named accounts (ACLs) may open at the source arrived closed to them: nothing is made more open than it was, and permissions.policy is not set to carry their rights'
