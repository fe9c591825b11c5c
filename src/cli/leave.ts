/**
 * Ends this process at once, also while one of its threads hangs in a system call, as on a mount that does not answer: Node's own
 * exit waits for every thread. What was half-way is what any death leaves, and the next process goes on with it.
 */
export function leave(code: number): never {
  // Ends the server that this process started.
  process.emit('exit', code)
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
  } catch {
    // No shell, or another system: then the code is that of a killed process.
  }
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still running')
}
