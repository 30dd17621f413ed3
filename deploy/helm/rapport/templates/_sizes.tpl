{{/* How much a process gets. The formula: a worker's pod has its budget (RAPPORT_MEMORY_MIB) and 256 MiB for code
     and what is allocated and not in use; no process uses more than one core. Memory is never overcommitted: what is
     requested is the limit. */}}

{{- define "rapport.size" -}}
{{- $sizes := dict
  "worker" (dict
    "small" (dict "memoryMiB" 384 "cpu" "100m")
    "medium" (dict "memoryMiB" 512 "cpu" "500m")
    "large" (dict "memoryMiB" 1024 "cpu" "1"))
  "api" (dict
    "small" (dict "memoryMiB" 256 "cpu" "50m")
    "medium" (dict "memoryMiB" 384 "cpu" "250m")
    "large" (dict "memoryMiB" 512 "cpu" "500m")) -}}
{{- $size := index $sizes .kind .root.Values.size -}}
{{- $common := index .root.Values (ternary "workers" "apis" (eq .kind "worker")) -}}
{{- $own := index .root.Values.services .service .kind -}}
{{- range $name := list "memoryMiB" "cpu" -}}
{{- range $from := list $common $own -}}
{{- $given := index $from $name -}}
{{- if $given -}}{{- $_ := set $size $name $given -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $size -}}
{{- end -}}

{{/* RAPPORT_MEMORY_MIB of a worker. */}}
{{- define "rapport.budget" -}}
{{- $size := include "rapport.size" . | fromYaml -}}
{{- sub (int $size.memoryMiB) 256 -}}
{{- end -}}

{{- define "rapport.resources" -}}
{{- $size := include "rapport.size" . | fromYaml -}}
requests: {cpu: {{ $size.cpu | quote }}, memory: {{ int $size.memoryMiB }}Mi}
limits: {cpu: "1", memory: {{ int $size.memoryMiB }}Mi}
{{- end -}}

{{/* Replicas of a process, where nobody scales it. */}}
{{- define "rapport.replicas" -}}
{{- $own := index .root.Values.services .service .kind -}}
{{- $common := index .root.Values (ternary "workers" "apis" (eq .kind "worker")) -}}
{{- if kindIs "invalid" $own.replicas -}}{{ int $common.replicas }}{{- else -}}{{ int $own.replicas }}{{- end -}}
{{- end -}}

{{- define "rapport.mostWorkers" -}}
{{- int (.Values.workers.autoscaling.maxReplicas | default .Values.partitions) -}}
{{- end -}}
