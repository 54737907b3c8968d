import { OperatingError } from '../base/errors.ts';

/** A system call that failed, or a request that the kernel refused; `code` is the errno's name, such as `ENOENT`. */
export class KernelError extends OperatingError {
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** The object that was being changed: `element 10.96.0.1 . tcp . 80 of map services`. */
  readonly object: string | undefined;
  /** NLMSGERR_ATTR_MSG, where the kernel gave one. */
  readonly kernelMessage: string | undefined;

  constructor(
    operation: string,
    errno: { code: string; number: number },
    details: { object?: string; kernelMessage?: string } = {},
  ) {
    const { object, kernelMessage } = details;
    super(operation, errno.code, [object, errno.code, kernelMessage].filter(Boolean).join(': '));
    this.name = 'KernelError';
    this.errno = errno.number;
    this.object = object;
    this.kernelMessage = kernelMessage;
  }
}

export const isKernelError = (error: unknown, ...codes: string[]): error is KernelError =>
  error instanceof KernelError && (codes.length === 0 || codes.includes(error.code));
