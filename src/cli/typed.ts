import type { CliParts, CommonOptions } from './parts.ts'

/** A command as somebody would type it, for the home in hand. */
export function typed(
  { typed: us }: Pick<CliParts, 'typed'>,
  { home }: Pick<CommonOptions, 'home'>,
  [command, ...args]: readonly [string, ...string[]],
): string {
  return [us, command, ...(home === undefined ? [] : ['--home', quoted(home)]), ...args.map(quoted)].join(' ')
}

function quoted(arg: string): string {
  return /^[\w./<>-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`
}
