# Writes region_table.h from regions.tsv: cmake -DINPUT=regions.tsv -DOUTPUT=region_table.h -P region_table.cmake
file(STRINGS "${INPUT}" lines ENCODING UTF-8)
list(POP_FRONT lines)
set(rows "")
set(low 0)
set(high 0)
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([0-9][0-9])([0-9][0-9][0-9][0-9])\t([^\t]+)\t?(.*)$")
        message(FATAL_ERROR "${INPUT}: not code, name_zh, name_en: ${line}")
    endif()
    set(english "NULL")
    if(CMAKE_MATCH_4)
        set(english "\"${CMAKE_MATCH_4}\"")
    endif()
    string(APPEND rows "    {${CMAKE_MATCH_1}${CMAKE_MATCH_2}, \"${CMAKE_MATCH_3}\", ${english}},\n")
    if(CMAKE_MATCH_2 STREQUAL "0000")
        if(CMAKE_MATCH_1 LESS 64)
            math(EXPR low "${low} | (1 << ${CMAKE_MATCH_1})")
        else()
            math(EXPR high "${high} | (1 << (${CMAKE_MATCH_1} - 64))")
        endif()
    endif()
endforeach()
file(WRITE "${OUTPUT}"
"/* Made from regions.tsv by region_table.cmake. */
#define REGION_PROVINCES_LOW UINT64_C(${low})
#define REGION_PROVINCES_HIGH UINT64_C(${high})

static const struct region region_table[] = {
${rows}};
")
