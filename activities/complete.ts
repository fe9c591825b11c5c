import type { Engine, ExecutionRef } from '../src/transfer/engine.ts'
import type { EndedBy, ExecutionOutcome } from '../workflows/messages.ts'
import { beating } from './beat.ts'

export function complete(engine: Engine) {
  return ({ ended, ...execution }: ExecutionRef & { ended: EndedBy }): Promise<ExecutionOutcome> =>
    beating(() => engine.complete(execution, ended))
}
