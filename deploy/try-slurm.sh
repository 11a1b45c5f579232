#!/bin/bash
# A sweep under Debian's Slurm on this one machine, for real: an array of 8 tasks, one of which is killed and requeued;
# then the same sweep in one process, and whether both folders have the same bytes.
#
#   apt-get install slurm-wlm munge && deploy/try-slurm.sh      as root, in the folder of the repository, once it is built
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
host=$(hostname -s)
daemons=()
finish() {
  for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

# Keys, sockets and states of its own: a Slurm that is configured here is left alone.
mkdir -p "$work"/{spool,state,munge}
chmod 755 "$work"
chown -R munge: "$work/munge" && chmod 711 "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chown munge: "$work/munge/key" && chmod 400 "$work/munge/key"
as_munge=(setpriv --reuid=munge --regid=munge --clear-groups)
"${as_munge[@]}" munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" 2> "$work/munged.out" &
daemons+=($!)
cat > "$work/slurm.conf" <<CONF
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerParameters=sched_min_interval=0
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
cp "$work/slurm.conf" "$work/spool/slurm.conf"
echo "CgroupPlugin=cgroup/v1" > "$work/cgroup.conf" # which nothing here uses
export SLURM_CONF="$work/slurm.conf"
sleep 1
slurmctld -D -f "$SLURM_CONF" > "$work/ctld.out" 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" > "$work/d.out" 2>&1 &
daemons+=($!)
for _ in $(seq 40); do
  sinfo --noheader --format=%t 2>/dev/null | grep -q idle && break
  sleep 0.5
done
sinfo
sinfo --noheader --format=%t | grep -q idle || { tail -n 20 "$work"/*.out "$work"/*.log; exit 1; }

export RESOLVENT="$work/resolvent"
printf '#!/bin/sh\nexec %s %s "$@"\n' "$(command -v node)" "$here/apps/cli/bin/resolvent.js" > "$RESOLVENT"
chmod +x "$RESOLVENT"
sweep=(expand attn-only-2l --corpus "$here/docs/samples/tales.txt" --length 32 --part-prompts 4 --no-float64)

echo "== an array of 8 tasks"
job=$(sbatch --parsable --array=0-7 --cpus-per-task=1 --output="$work/task-%a.txt" "$here/deploy/slurm.sbatch" "${sweep[@]}" --out "$work/spectra")
# Once there is a part, the task that runs is killed by force, and Slurm is told to run it again.
until ls "$work/spectra/parts" 2>/dev/null | grep -q .; do sleep 0.1; done
victim=$(squeue --noheader --states=RUNNING --format=%i -j "$job" | tail -1)
if [ -n "$victim" ] && scontrol requeue "$victim"; then
  echo "task ${victim#*_} is requeued while it runs"
fi
while squeue --noheader -j "$job" 2>/dev/null | grep -q .; do
  # What is requeued waits for two minutes; this machine has nobody else.
  for waiting in $(squeue --noheader --array --states=PENDING --format='%i %r' -j "$job" | awk '/BeginTime/ {print $1}'); do
    scontrol update jobid="$waiting" starttime=now || true # it has just begun
  done
  sleep 0.5
done
cat "$work"/task-*.txt | grep 'shard' | sed "s#$work#…#"

echo "== one process"
"$RESOLVENT" sweep "${sweep[@]}" --threads 1 --out "$work/alone" | sed "s#$work#…#"
diff -r "$work/spectra/parts" "$work/alone/parts" && echo "both have the same bytes: $(find "$work/alone/parts" -type f | wc -l) files"
echo "== the report of the array"
"$RESOLVENT" sweep report "$work/spectra" | sed "s#$here/##"
