"""Kubernetes: the same workloads as manifests. Here is the rendering half; registering them is the stack's next half.

What differs from Docker, and why:

- Names: a headless Service per workload answers with its ready pods, as Docker's DNS does; members of workloads that
  keep something have a second one that answers from the first moment, since clusters form through it.
- Files: a projected volume instead of a written one. Kubelet swaps it atomically, the workload's reload is the same.
- Failure domains: the scheduler spreads pods over zones; which zone a member gets is its choice, so ``Member.domain``
  names an intended place, not a proven one.
"""
