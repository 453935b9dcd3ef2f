#!/bin/bash
# refused: quota/no-quota
# Half of the usual weight is not half a processor.
setsid boxlab -q run --cpu-shares 512 host sleep 1801 >/dev/null 2>&1 </dev/null &
