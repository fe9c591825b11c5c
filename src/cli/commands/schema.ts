import { jobJsonSchema } from '../../job/json_schema.ts'
import { toJson } from '../../json/json.ts'
import { ExitCode } from '../exit_code.ts'
import type { CliParts } from '../parts.ts'

/** For an editor: `"$schema": "./job.schema.json"` in a job file completes its keys. */
export function printSchema({ terminal }: CliParts): ExitCode {
  terminal.out(toJson(jobJsonSchema(), 2))
  return ExitCode.done
}
