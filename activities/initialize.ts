import type { Engine, ExecutionRef } from '../src/transfer/engine/engine.ts'
import type { Initialized } from '../workflows/messages.ts'
import { beating } from './beat.ts'

export function initialize(engine: Engine) {
  return (execution: ExecutionRef): Promise<Initialized> => beating(() => engine.initialize(execution))
}
